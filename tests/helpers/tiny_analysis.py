"""Contexts of analyses around the tiny segmentor."""

from pathlib import Path

from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree


def write_parts(folder: Path, more: str = "") -> Path:
    """Tree, config ``tiny.py`` and checkpoint ``tiny.pth``; returns the folder."""
    config = write_config(folder / "tiny.py", write_tree(folder / "data", train=4, val=3), more)
    write_checkpoint(folder / "tiny.pth", config)
    return folder


def make_context(folder: Path, out: Path, analysis: str, checkpoint: str | None = "tiny.pth", **given: object):
    """An analysis and its context, of settings of the context and options of the analysis."""
    from mmfan.analysis import get_analysis, load_context
    from mmfan.analysis.options import make_options

    spec = get_analysis(analysis)
    settings = {key: given.pop(key) for key in ("limit", "seed", "cell", "crop", "tap_names") if key in given}
    context = load_context(
        folder / "tiny.py", None if checkpoint is None else folder / checkpoint, "cpu", analysis=analysis, out=out,
        options=make_options(spec.options, given, analysis), **{"limit": 3, **settings},
    )  # fmt: skip
    return spec, context


def analyse(folder: Path, out: Path, analysis: str, **given: object) -> dict:
    """The result of an analysis of the tiny segmentor; its figure is drawn too, for one model and for two."""
    from mmfan.visualization.style import draw

    spec, context = make_context(folder, out, analysis, **given)
    result = spec.run(context)
    for count in (1, 2):
        assert draw(spec.draw([result] * count, ["a model", "another"][:count])).std() > 1
    return result
