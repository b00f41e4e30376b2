"""Which block matters: the score without one of them at a time (arXiv 2202.06709, figure D.4)."""

from __future__ import annotations

import argparse
from typing import Any

from matplotlib.figure import Figure

from mmfan.analysis.branches import list_units, removed
from mmfan.analysis.context import AnalysisError, AnalysisSpec, Context
from mmfan.analysis.plots.depth import KIND_STYLES, mark_strides
from mmfan.analysis.scoring.judge import judge_of, main_metric
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import Protocol
from mmfan.visualization.style import DPI, TEXT, clear_frame, fold

DEFAULT_CELL = Cell("fog", 3)
STYLES = {
    **KIND_STYLES,
    "attention": KIND_STYLES["token"],
    "block": ("whole block", KIND_STYLES["output"][1], KIND_STYLES["output"][2]),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is taken out."""
    parser.add_argument(
        "--units", choices=("branches", "blocks"), default="branches",
        help="take out branches of blocks (attention, MLP) or whole blocks (default: branches)",
    )  # fmt: skip
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only units whose names contain one of these")
    parser.add_argument("--workers", type=int, help="loading processes (default: the config's)")


def run(context: Context) -> dict[str, Any]:
    """Scores of the model as it is, and without each unit."""
    options = context.options
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
    judge = judge_of(context, "lesion", workers=options.workers)
    progress = context.progress("lesion")
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
    figure = Figure(figsize=(max(6.5, 4.8 * len(results)), 5.4), dpi=DPI, layout="constrained")
    grid = figure.subplots(2, len(results), squeeze=False, sharey=True, sharex="col")
    seen: dict[str, Any] = {}
    for column, (result, label) in enumerate(zip(results, labels, strict=True)):
        spoken = f"{result['cell'][0]} {result['cell'][1]}"
        for row, (key, what) in enumerate((("change_clean", "clean"), ("change_corrupted", spoken))):
            axes = grid[row][column]
            values = [100 * value for value in result[key]]
            axes.axhline(0, color="0.5", linewidth=1)
            axes.vlines(range(len(values)), 0, values, color="0.8", linewidth=1, zorder=1)
            for kind, (name, colour, marker) in STYLES.items():
                at = [index for index, one in enumerate(result["kinds"]) if one == kind]
                if at:
                    seen[name] = axes.scatter(at, [values[i] for i in at], c=colour, marker=marker, s=28, zorder=2)
            clear_frame(axes)
            if row == 0:
                mark_strides(axes, result["strides"])
                axes.set_title(fold(label, 40), fontsize=10, color=TEXT, pad=16)
            else:
                axes.set_xlabel("unit taken out, from the input on", fontsize=9, color=TEXT)
            if column == 0:
                axes.set_ylabel(f"change of {result['metric']}, {what} (points)", fontsize=9, color=TEXT)
    figure.legend(
        seen.values(), seen.keys(), ncol=len(seen), loc="outside lower center", frameon=False, fontsize=9,
        handletextpad=0.2,
    )  # fmt: skip
    return figure


SPEC = AnalysisSpec(
    name="lesion",
    help="which block does the score depend on?",
    definition=(
        "Score of the trained model when one unit of its backbone is skipped, without training again, minus the score "
        "of the whole model; on clean pictures and on those of one corruption. A unit is a branch of a residual block "
        "(attention, MLP or channel processing, convolutions), or with --units blocks a whole block; units that change "
        "the shape of their input stay. Park and Kim, How Do Vision Transformers Work?, arXiv 2202.06709, figure D.4; "
        "there a unit of a ResNet is one 3x3 convolution, here it is the branch."
    ),
    run=run,
    draw=draw,
    add_arguments=add_arguments,
    pictures=8,
    needs_score=True,
)
