"""Position encoding: the score with another one, or none, without training again."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from mmfan.analysis import plots
from mmfan.analysis.analyses.lesion import DEFAULT_CELL
from mmfan.analysis.catalogue import PositionOptions
from mmfan.analysis.context import Context
from mmfan.analysis.positions import Arm, exchanged, list_positions, takes_part
from mmfan.analysis.scoring.judge import Judge, main_metric
from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.protocol import Protocol
from mmfan.utils.tables import Table
from mmfan.visualization.style import clear_frame, entry, fold, style_of

TRAINED = "as trained"


def run(context: Context) -> dict[str, Any]:
    """Scores of the model as it is, and in each arm."""
    options: PositionOptions = context.options
    positions = list_positions(context.model)
    cell = DEFAULT_CELL if context.cell == CLEAN else context.cell
    protocol = Protocol("position", (cell,), source="one cell beside the clean pictures")
    judge, progress = Judge(context, options.workers), context.progress()
    arms = list(dict.fromkeys(options.arms))
    intact = judge.run(protocol)
    progress(1, len(arms) + 1)
    metric = main_metric(intact)
    trained: list[float] = [record["metrics"][metric] for record in intact]
    rows: dict[str, list[float] | None] = {TRAINED: trained}
    for done, name in enumerate(arms, 2):
        arm = Arm(name, options.shift, options.grid, context.seed)
        rows[_named(arm)] = None
        if takes_part(positions, name):
            told = f"{context.label} position {_named(arm)}"
            records = judge.run(protocol, name=told, changed=exchanged(judge.model, positions, arm))
            rows[_named(arm)] = [record["metrics"][metric] for record in records]
        progress(done, len(arms) + 1)
    clean, corrupted = ([None if row is None else row[place] for row in rows.values()] for place in (0, 1))
    return {
        "metric": metric,
        "cell": list(cell),
        "positions": [{"name": one.name, "kind": one.kind} for one in positions],
        "arms": list(rows),
        "clean": clean,
        "change_clean": [None if value is None else value - trained[0] for value in clean],
        "corrupted": corrupted,
        "retention": [row[1] / row[0] if row is not None and row[0] else None for row in rows.values()],
    }


def _named(arm: Arm) -> str:
    if arm.name == "shifted":
        return f"shifted {arm.shift[0]},{arm.shift[1]}"
    if arm.name == "grid":
        return "grid halved" if arm.grid is None else f"grid {arm.grid[0]}x{arm.grid[1]}"
    return arm.name


def _spoken(result: dict[str, Any]) -> str:
    return " ".join(map(str, result["cell"]))


def table(results: list[dict[str, Any]], labels: list[str]) -> Table:
    """A row a model and arm."""
    lines: list[tuple[str, ...]] = []
    sections: list[int] = []
    for result, label in zip(results, labels, strict=True):
        sections.append(len(lines))
        for place, arm in enumerate(result["arms"]):
            values = [result[key][place] for key in ("clean", "change_clean", "corrupted", "retention")]
            lines.append((label, arm, *("-" if value is None else f"{100 * value:.1f}" for value in values)))
    first = results[0]
    caption = (
        f"{first['metric']} in percent, on clean pictures and under {_spoken(first)}; change in points, against the "
        "model as trained; nothing was trained again."
    )
    head = ("model", "position encoding", "clean", "change", _spoken(first), "retention")
    return Table("Position encodings", caption, head, tuple(lines), texts=2, sections=tuple(sections[1:]))


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A panel for the clean pictures, one for the cell; a place an arm, a mark a model."""
    keys = (("clean", "clean"), ("corrupted", _spoken(results[0])))
    figure, (panels,) = plots.make_panels(1, 2, (9.2, 4.0), sharey=True)
    arms = list(dict.fromkeys(arm for result in results for arm in result["arms"]))
    for axes, (key, title) in zip(panels, keys, strict=True):
        for place, (result, label) in enumerate(zip(results, labels, strict=True)):
            style = style_of(place)
            known = dict(zip(result["arms"], result[key], strict=True))
            values = plots.nan_for_none(None if known.get(arm) is None else 100 * known[arm] for arm in arms)
            axes.plot(
                range(len(arms)), values, color=style.colour, marker=style.marker, linestyle="none", markersize=7,
                label=entry(fold(label, 44)),
            )  # fmt: skip
            axes.axhline(100 * result[key][0], color=style.colour, linewidth=0.8, linestyle=":")
        axes.set_xticks(range(len(arms)), [fold(arm, 12) for arm in arms], fontsize=8)
        plots.name_panel(axes, title)
        clear_frame(axes)
    plots.name_axes(panels[0], up=f"{results[0]['metric']} (%)")
    plots.legend_under(figure, *panels[0].get_legend_handles_labels())
    return figure
