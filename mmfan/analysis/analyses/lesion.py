"""Lesion study: the score without one block or branch at a time (arXiv 2202.06709, figure D.4)."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from mmfan.analysis import plots
from mmfan.analysis.branches import list_units, removed
from mmfan.analysis.catalogue import LesionOptions
from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.scoring.judge import Judge, main_metric
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import Protocol
from mmfan.visualization.style import clear_frame

DEFAULT_CELL = Cell("fog", 3)
STYLES = {
    **plots.KIND_STYLES,
    "attention": plots.KIND_STYLES["token"],
    "block": ("whole block", plots.KIND_STYLES["output"][1], plots.KIND_STYLES["output"][2]),
}


def run(context: Context) -> dict[str, Any]:
    """Scores of the model as it is, and without each unit."""
    options: LesionOptions = context.options
    units = list_units(context.model, options.units)
    if options.only:
        kept = [unit for unit in units if any(text in unit.name for text in options.only)]
        if not kept:
            raise AnalysisError(
                f"No unit's name contains {' or '.join(options.only)}; there are {', '.join(u.name for u in units)}."
            )
        units = kept
    cell = DEFAULT_CELL if context.cell == CLEAN else context.cell
    protocol = Protocol("lesion", (cell,), source="one cell beside the clean pictures")
    judge = Judge(context, options.workers)
    progress = context.progress()
    intact = judge.run(protocol)
    progress(1, len(units) + 1)
    metric = main_metric(intact)
    clean, corrupted = (record["metrics"][metric] for record in intact)
    rows = []
    for done, unit in enumerate(units, 2):
        records = judge.run(protocol, name=f"{context.label} without {unit.name}", changed=removed(judge.model, unit))
        rows.append([record["metrics"][metric] for record in records])
        progress(done, len(units) + 1)
    return {
        "metric": metric,
        "cell": list(cell),
        "units": [unit.name for unit in units],
        "kinds": [unit.kind for unit in units],
        "strides": [unit.stride for unit in units],
        "intact": {"clean": clean, "corrupted": corrupted, "retention": corrupted / clean if clean else None},
        "clean": [row[0] for row in rows],
        "corrupted": [row[1] for row in rows],
        "retention": [row[1] / row[0] if row[0] else None for row in rows],
        "change_clean": [row[0] - clean for row in rows],
        "change_corrupted": [row[1] - corrupted for row in rows],
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A column a model: the change of the score by the unit taken out, clean above, corrupted below."""
    figure, grid = plots.make_panels(2, len(results), (max(6.5, 4.8 * len(results)), 5.4), sharey=True, sharex="col")
    seen: dict[str, Any] = {}
    for column, (result, label) in enumerate(zip(results, labels, strict=True)):
        spoken = f"{result['cell'][0]} {result['cell'][1]}"
        for row, (key, what) in enumerate((("change_clean", "clean"), ("change_corrupted", spoken))):
            axes = grid[row][column]
            values = [100 * value for value in result[key]]
            axes.axhline(0, color="0.5", linewidth=1)
            axes.vlines(range(len(values)), 0, values, color="0.8", linewidth=1, zorder=1)
            plots.mark_kinds(axes, result["kinds"], values, seen, STYLES, 28)
            clear_frame(axes)
            if row == 0:
                plots.mark_strides(axes, result["strides"])
                plots.name_panel(axes, label, pad=16)
            else:
                plots.name_axes(axes, "unit taken out, from the input on")
            if column == 0:
                plots.name_axes(axes, up=f"change of {result['metric']}, {what} (points)")
    plots.legend_of_kinds(figure, seen)
    return figure
