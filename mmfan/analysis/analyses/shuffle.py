"""Dependence on layout: the score of pictures whose cells are in a random order (arXiv 2105.10497)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from mmfan.analysis.analyses.bandnoise import changes
from mmfan.analysis.catalogue import ShuffleOptions
from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.plots import line_grid
from mmfan.analysis.scoring.alterations import ShuffleAlteration
from mmfan.analysis.scoring.judge import Judge, main_metric
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol


def read_grids(texts: Sequence[str]) -> dict[int, tuple[int, int]]:
    """Number of cells -> rows and columns, rising.

    >>> read_grids(["4x8", "2x2"])
    {4: (2, 2), 32: (4, 8)}

    Raises:
        AnalysisError: Two grids have the same number of cells.
    """
    found: dict[int, tuple[int, int]] = {}
    for text in texts:
        rows, columns = map(int, text.split("x"))
        grid, cells = (rows, columns), rows * columns
        if found.setdefault(cells, grid) != grid:
            other = "x".join(map(str, found[cells]))
            raise AnalysisError(f"The grids {other} and {text} both have {cells} cells: judge one at a time.")
    return dict(sorted(found.items()))


def run(context: Context) -> dict[str, Any]:
    """Scores by number of cells."""
    options: ShuffleOptions = context.options
    grids = read_grids(options.grids)
    judge = Judge(context, options.workers, alters=True)
    # the grid is part of the name: 2x8 and 4x4 have the same number of cells
    kinds = {cells: f"shuffle_{rows}x{columns}_margin{options.margin}" for cells, (rows, columns) in grids.items()}
    protocol = Protocol(
        "shuffle", tuple(Cell(kind, cells) for cells, kind in kinds.items()), source="shuffled cells, arXiv 2105.10497"
    )
    alteration = ShuffleAlteration(grids, options.margin)
    clean, *shuffled = judge.run(protocol, alteration=alteration, progress=context.progress())
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
    return line_grid(panels, labels, "cells, in random order", f"{results[0]['metric']} (%)", log=True)
