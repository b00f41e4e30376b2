"""Loss landscape: the loss over a plane of weights around those of a model (arXiv 2202.06709, figure 1a)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from mmfan.analysis import plots
from mmfan.analysis.catalogue import LandscapeOptions
from mmfan.analysis.context import Context
from mmfan.analysis.numerics.directions import moved, penalty, random_direction
from mmfan.analysis.training_loss import Batch, loss_of, training_batches, weight_decays
from mmfan.evaluation.judging.contents import digest_of
from mmfan.evaluation.loop.identity.weights_hash import weights_hash
from mmfan.evaluation.results.line_store import LineStore
from mmfan.visualization.style import TEXT, clear_frame

Point = tuple[float, float]


def coordinates(points: int, reach: float) -> list[float]:
    """Places along an axis, exactly symmetric; the middle one of an odd number is 0.

    >>> coordinates(5, 1.0)
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    if points == 1:
        return [0.0]
    return [reach * (2 * place - (points - 1)) / (points - 1) for place in range(points)]


class PointStore:
    """Points that are done, so that a run that was killed goes on.

    Args:
        path: The file.
        key: What the points belong to.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.lines = LineStore(path, key, "point")

    def read(self) -> dict[Point, float | None]:
        """Point -> loss; None where it is not a number."""
        return dict(self.lines.read(_entry))

    def append(self, point: Point, loss: float | None) -> None:
        """Add a point; it is on the disk when this returns."""
        self.lines.append(x=point[0], y=point[1], loss=loss)


def _entry(entry: dict[str, Any]) -> tuple[Point, float | None]:
    """Point and loss of a line.

    Raises:
        ValueError, LookupError, TypeError, OverflowError: It is no such line.
    """
    x, y, loss = (entry[name] for name in ("x", "y", "loss"))
    numbers = (x, y) if loss is None else (x, y, loss)
    if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
        raise ValueError("no numbers")
    return (float(x), float(y)), None if loss is None else float(loss)


def run(context: Context) -> dict[str, Any]:
    """Losses and penalties over the grid."""
    options: LandscapeOptions = context.options
    axis = coordinates(options.points, options.reach)
    batches = training_batches(context, context.limit, options.batch_size)
    parameters = dict(context.model.named_parameters())
    decays = weight_decays(context.model, context.model.cfg)
    generator = torch.Generator().manual_seed(context.seed)
    directions = [random_direction(parameters, generator, options.normalise) for _ in range(2)]
    store = PointStore(context.out / "landscape.jsonl", _key(context, batches))
    done = store.read()
    progress = context.progress()
    losses, penalties = np.full((len(axis), len(axis)), np.nan), np.zeros((len(axis), len(axis)))
    for row, y in enumerate(axis):
        for column, x in enumerate(axis):
            with moved(parameters, directions, (x, y)):
                if (x, y) not in done:
                    done[(x, y)] = mean_loss(context.model, batches)
                    store.append((x, y), done[(x, y)])
                penalties[row, column] = penalty(parameters, decays)
            found = done[(x, y)]
            losses[row, column] = np.nan if found is None else found
            progress(row * len(axis) + column + 1, len(axis) ** 2)
    middle = len(axis) // 2
    return {
        "axis": axis,
        "loss": [[None if np.isnan(value) else float(value) for value in line] for line in losses],
        "penalty": penalties.tolist(),
        "centre": None if np.isnan(losses[middle, middle]) else float(losses[middle, middle]),
        "normalise": options.normalise,
        "batch_norm": "frozen",
    }


@torch.no_grad()
def mean_loss(model: Any, batches: list[Batch]) -> float | None:
    """Mean of the batches' losses; None where it is not finite."""
    value = float(np.mean([float(loss_of(model, batch)) for batch in batches]))
    return value if math.isfinite(value) else None


def _key(context: Context, batches: list[Batch]) -> str:
    """What the losses at the points depend on: weights, augmented pictures and labels, the model with its losses."""
    described = [
        weights_hash(context.model.state_dict()), context.seed, context.crop, context.options.normalise,
        [[*batch.names, batch.digest] for batch in batches], context.model.cfg.get("model"),
    ]  # fmt: skip
    return digest_of(described).hex()[:16]


def draw(results: list[dict[str, Any]], labels: list[str]) -> Figure:
    """A column a model: contours of the rise of the loss; below, the loss along both axes, and the penalty."""
    columns = len(results)
    size = (max(6.4, 3.7 * columns + 1), 7.4)
    figure, grid = plots.make_panels(3, columns, size, height_ratios=[1.7, 1, 0.55], sharey="row", sharex="col")
    tables = [np.array([plots.nan_for_none(line) for line in result["loss"]]) for result in results]
    rises = [table - np.nanmin(table) for table in tables]
    # one scale for all models; the outermost values of a wild one would leave nothing to see of the others
    top = max(2 * float(np.nanmedian(rise)) for rise in rises) or 1.0
    levels = np.linspace(0, top, 13)
    image = None
    for column, (result, label, table, rise) in enumerate(zip(results, labels, tables, rises, strict=True)):
        axis, middle = result["axis"], len(result["axis"]) // 2
        above, below, lowest = (grid[row][column] for row in range(3))
        if len(axis) > 1:
            image = above.contourf(axis, axis, np.minimum(rise, top), levels=levels, cmap="viridis")
            above.contour(axis, axis, rise, levels=levels[1:], colors="white", linewidths=0.4)
        above.plot(0, 0, "+", color="white", markersize=10, markeredgewidth=1.6)
        plots.name_panel(above, label, 34)
        for values, colour, marker, says in (
            (table[middle], "#332288", "o", "along the first direction"),
            (table[:, middle], "#CC6677", "^", "along the second"),
        ):
            below.plot(axis, values, color=colour, marker=marker, markersize=4, label=says)
        lowest.plot(axis, np.array(result["penalty"])[middle], color="0.35")
        for axes in (above, below, lowest):
            clear_frame(axes)
        plots.name_axes(lowest, "step along the direction")
        if column == 0:
            for axes, says in ((above, "second direction"), (below, "loss"), (lowest, "weight decay term")):
                plots.name_axes(axes, up=says)
    if image is not None:
        bar = figure.colorbar(image, ax=list(grid[0]), extend="max", format="%.2g")
        bar.set_label("loss above its minimum", fontsize=9, color=TEXT)
    plots.legend_under(figure, *grid[1][0].get_legend_handles_labels())
    return figure
