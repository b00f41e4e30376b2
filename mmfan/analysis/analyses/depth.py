"""Linear read-outs by depth: what each block's features say, and what of it survives corruptions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from matplotlib.figure import Figure

from mmfan.analysis import plots
from mmfan.analysis.catalogue import DepthOptions
from mmfan.analysis.context import Context, parse_cell
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.probing.picture_task import ConfigPictures, FolderPictures, PictureTask, preprocessed
from mmfan.analysis.probing.pixel_task import PixelTask, on_training_set
from mmfan.analysis.probing.study import study
from mmfan.analysis.probing.task import Task
from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.function import ClassificationData, PictureForm
from mmfan.evaluation.judging.contents import digest_of
from mmfan.evaluation.loop.identity.weights_hash import weights_hash
from mmfan.models.block_features import BlockReader, list_blocks, named_blocks
from mmfan.utils.tables import Table
from mmfan.visualization.style import clear_frame

SPOKEN = {"linear": "linear", "knn": "k-NN"}
COLOURS = {"linear": "#332288", "knn": "#CC6677"}


def run(context: Context) -> dict[str, Any]:
    """Scores of the read-outs of every depth.

    Raises:
        AnalysisError: One cell was asked for, where the analysis takes several of its own.
    """
    options: DepthOptions = context.options
    if context.cell != CLEAN:
        raise AnalysisError("depth judges probes on several cells: give them as `cells`, and leave out `cell`.")
    blocks = list_blocks(context.model)
    if context.tap_names:
        blocks = named_blocks(blocks, context.tap_names)
    context.used_taps = blocks
    reader = BlockReader(context.model, blocks)
    task = _task(context, reader)
    own = {name: value for name, value in asdict(options).items() if name not in ("cells", "images")}
    preprocessor = context.model.cfg.model.get("data_preprocessor")
    key = digest_of(
        [
            weights_hash(context.model.state_dict()), [tap.name for tap in blocks], own, context.seed, context.crop,
            preprocessor, task.described(),
        ]
    ).hex()[:16]  # fmt: skip
    cells = [parse_cell(text) for text in dict.fromkeys(options.cells)]
    return study(task, blocks, cells, options.decay, key, context.out, context.progress)


def _task(context: Context, reader: BlockReader) -> Task:
    options: DepthOptions = context.options
    if options.images is not None:
        form = PictureForm(options.resize, context.crop)
        training = ClassificationData(options.images[0], form=form)
        test = ClassificationData(options.images[1], training.classes, form=form)
        prepare = preprocessed(context.model)
        return PictureTask(
            reader,
            FolderPictures(training, options.train, prepare, context.seed, context.progress),
            FolderPictures(test, context.limit, prepare, context.seed, context.progress),
            options.neighbours,
        )
    if options.resize is not None:
        raise AnalysisError("`resize` is for folders of classes: leave it out, or give `images`.")
    training_set = on_training_set(context, options.train)
    if "gt_label" in context.dataset.get_data_info(0):
        return PictureTask(reader, ConfigPictures(training_set), ConfigPictures(context), options.neighbours)
    return PixelTask(context, training_set, reader)


def table(results: list[dict[str, Any]], labels: list[str]) -> Table:
    """A row a model and depth."""
    readouts = list(results[0]["readouts"])
    rows: list[tuple[str, ...]] = []
    sections: list[int] = []
    for result, label in zip(results, labels, strict=True):
        sections.append(len(rows))
        for place, (depth, width) in enumerate(zip(result["depths"], result["widths"], strict=True)):
            strides = result["strides"]
            numbers = [
                result["readouts"][readout][key][place]
                for readout in readouts
                for key in ("clean", "corrupted", "retention")
            ]
            said = ("-" if number is None else f"{100 * number:.1f}" for number in numbers)
            rows.append((label, depth, str(strides[place]) if place < len(strides) else "-", str(width), *said))
    first = results[0]
    heads = [f"{SPOKEN[one]}{what}" for one in readouts for what in ("", ", corrupted", ", retained")]
    caption = (
        f"{first['metric']} in percent of read-outs of frozen features, fitted to clean training pictures; corrupted: "
        f"mean over {', '.join(first['cells'])}; retained: corrupted / clean."
    )
    head = ("model", "features of", "stride", "channels", *heads)
    return Table("Linear probes by depth", caption, head, tuple(rows), texts=2, sections=tuple(sections[1:]))


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A column a model: scores above, retention below, over the blocks; the joined depths stand apart at the right."""
    figure, grid = plots.make_panels(2, len(results), (max(6.5, 4.8 * len(results)), 5.8), sharey="row", sharex="col")
    seen: dict[str, Any] = {}
    for column, (result, label) in enumerate(zip(results, labels, strict=True)):
        upper, lower = grid[0][column], grid[1][column]
        for readout, found in result["readouts"].items():
            name, colour = SPOKEN[readout], COLOURS[readout]
            seen[f"{name}, clean"] = _curve(upper, result, found["clean"], colour, "-", colour)
            seen[f"{name}, corrupted"] = _curve(upper, result, found["corrupted"], colour, "--", "white")
            seen[f"{name}, retained"] = _curve(lower, result, found["retention"], colour, "-.", colour, "^")
        plots.mark_strides(upper, result["strides"])
        plots.name_panel(upper, label, pad=16)
        for axes in (upper, lower):
            clear_frame(axes)
        places = _places(result)
        joined = range(len(result["taps"]), len(places))
        step = max(1, -(-len(result["taps"]) // 8))
        ticks = [*range(0, len(result["taps"]), step), *(places[place] for place in joined)]
        names = [*map(str, range(0, len(result["taps"]), step)), *(result["depths"][place] for place in joined)]
        lower.set_xticks(ticks, names, fontsize=8)
        plots.name_axes(lower, "block, from the input on")
    plots.name_axes(grid[0][0], up=f"{results[0]['metric']} (%)")
    plots.name_axes(grid[1][0], up="retained (%)")
    plots.legend_under(figure, seen.values(), seen, ncol=3)
    return figure


def _places(result: dict[str, Any]) -> list[int]:
    """Of each depth: the blocks in a row, then after a gap those that are read together."""
    count = len(result["taps"])
    return [place if place < count else place + 1 for place in range(len(result["depths"]))]


def _curve(axes: Any, result: dict[str, Any], values: list[float | None], colour: str, dash: str, face: str,
           marker: str = "o") -> Any:  # fmt: skip
    shown = plots.nan_for_none(None if value is None else 100 * value for value in values)
    for first, last, _ in plots.stretches(result["strides"]):
        axes.plot(range(first, last + 1), shown[first : last + 1], color=colour, linestyle=dash, linewidth=1.1)
    style = {"color": colour, "marker": marker, "markerfacecolor": face, "markersize": 5}
    (line,) = axes.plot(_places(result), shown, linestyle="none", **style)
    return line
