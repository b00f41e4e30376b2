"""Contexts of analyses around the tiny segmentor."""

import argparse
from pathlib import Path

from helpers.tiny_segmentor import write_checkpoint, write_config, write_tree


def write_parts(folder: Path, more: str = "") -> Path:
    """Tree, config ``tiny.py`` and checkpoint ``tiny.pth``; returns the folder."""
    config = write_config(folder / "tiny.py", write_tree(folder / "data", train=4, val=3), more)
    write_checkpoint(folder / "tiny.pth", config)
    return folder


def make_context(folder: Path, out: Path, analysis: str, *arguments: object, **settings: object):
    """What ``tools/analyze.py`` makes of a command line; returns the analysis and its context."""
    from mmfan.analysis.catalogue import get_analysis
    from mmfan.analysis.context import load_context

    spec = get_analysis(analysis)
    parser = argparse.ArgumentParser()
    spec.add_arguments(parser)
    options = parser.parse_args([str(argument) for argument in arguments])
    checkpoint = settings.pop("checkpoint", folder / "tiny.pth")
    context = load_context(
        str(folder / "tiny.py"), None if checkpoint is None else str(checkpoint), "cpu", options=options, out=out,
        **{"limit": 3, **settings},
    )  # fmt: skip
    return spec, context


def analyse(folder: Path, out: Path, analysis: str, *arguments: object, **settings: object) -> dict:
    """The result of an analysis of the tiny segmentor; its figure is drawn too, for one model and for two."""
    from mmfan.visualization.style import draw

    spec, context = make_context(folder, out, analysis, *arguments, **settings)
    result = spec.run(context)
    for count in (1, 2):
        assert draw(spec.draw([result] * count, ["a model", "another"][:count])).std() > 1
    return result
