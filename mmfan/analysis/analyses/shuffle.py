"""How much a model leans on the layout of the scene: cells of the picture in a random order (arXiv 2105.10497)."""

from __future__ import annotations

import argparse
import re
from typing import Any

from matplotlib.figure import Figure

from mmfan.analysis.analyses.bandnoise import changes
from mmfan.analysis.context import AnalysisError, AnalysisSpec, Context
from mmfan.analysis.plots.lines import panel_figure
from mmfan.analysis.scoring.alterations import ShuffleAlteration
from mmfan.analysis.scoring.judge import judge_of, main_metric, without_cell
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol

GRIDS = ("2x2", "2x4", "4x4", "4x8", "8x8", "14x14", "16x16")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which grids, and how wide the border is that the second score leaves out."""
    parser.add_argument(
        "--grids", nargs="+", default=list(GRIDS), metavar="RxC", help=f"rows x columns (default: {' '.join(GRIDS)})"
    )
    parser.add_argument(
        "--margin", type=int, default=4, metavar="PIXELS",
        help="the second score leaves out pixels nearer than this to a border between cells (default: 4)",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, help="loading processes (default: the config's)")


def read_grids(texts: list[str]) -> dict[int, tuple[int, int]]:
    """Number of cells -> rows and columns, rising.

    >>> read_grids(["4x8", "2x2"])
    {4: (2, 2), 32: (4, 8)}

    Raises:
        AnalysisError: A text is no grid, or two grids have the same number of cells.
    """
    found: dict[int, tuple[int, int]] = {}
    for text in texts:
        parts = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
        if parts is None:
            raise AnalysisError(f"Expected a grid as ROWSxCOLUMNS, e.g. 4x8, got {text!r}.")
        grid = (int(parts[1]), int(parts[2]))
        cells = grid[0] * grid[1]
        if found.setdefault(cells, grid) != grid:
            other = "x".join(map(str, found[cells]))
            raise AnalysisError(f"The grids {other} and {text} both have {cells} cells: judge one at a time.")
    return dict(sorted(found.items()))


def run(context: Context) -> dict[str, Any]:
    """Scores by number of cells."""
    options = context.options
    without_cell(context, "shuffle")
    grids = read_grids(options.grids)
    if options.margin < 0:
        raise AnalysisError(f"Expected --margin to be at least 0, got {options.margin}.")
    # the grid is part of the name: 2x8 and 4x4 have the same number of cells
    kinds = {cells: f"shuffle_{rows}x{columns}_margin{options.margin}" for cells, (rows, columns) in grids.items()}
    protocol = Protocol(
        "shuffle", tuple(Cell(kind, cells) for cells, kind in kinds.items()), source="shuffled cells, arXiv 2105.10497"
    )
    settings = {"grids": {str(cells): list(grid) for cells, grid in grids.items()}, "margin": options.margin}
    judge = judge_of(context, "shuffle", workers=options.workers)
    clean, *shuffled = judge.run(
        protocol, alteration=ShuffleAlteration(grids, options.margin), settings=settings,
        progress=context.progress("shuffle"),
    )  # fmt: skip
    metric = main_metric([clean])
    scores = [record["metrics"][metric] for record in shuffled]
    return {
        "metric": metric,
        "cells": list(grids),
        "grids": [f"{rows}x{columns}" for rows, columns in grids.values()],
        "clean": clean["metrics"][metric],
        "scores": scores,
        "inside": [record["metrics"].get(f"{metric}_inside") for record in shuffled],
        **changes(clean["metrics"][metric], scores),
        "margin": options.margin,
    }


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """Scores over the number of cells: all pixels, and those away from the borders."""
    panels = []
    titles = {"scores": "all pixels", "inside": f"{results[0]['margin']} pixels and more from borders of cells"}
    for key, title in titles.items():
        lines = []
        for result in results:
            values = [None if value is None else 100 * value for value in result[key]]
            lines.append(([1, *result["cells"]], [100 * result["clean"], *values]))
        panels.append((title, lines))
    return panel_figure(panels, labels, "cells, in random order", f"{results[0]['metric']} (%)", log=True)


SPEC = AnalysisSpec(
    name="shuffle",
    help="how much does the model lean on the layout of the scene?",
    definition=(
        "Score when picture and labels are cut into equal cells and put together in one random order, drawn by file "
        "name; the few pixels that remain at the bottom and right stay where they are. `inside` is the score without "
        "the pixels near borders between cells. One cell is the clean picture. After Naseer et al., Intriguing "
        "Properties of Vision Transformers, arXiv 2105.10497."
    ),
    run=run,
    draw=draw,
    add_arguments=add_arguments,
    pictures=16,
    needs_score=True,
)
