"""Grid of several pictures with their truth and prediction side by side, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from mmfan.errors import MMFanError
from mmfan.visualization.legend import classes_present, patches
from mmfan.visualization.overlay import paint
from mmfan.visualization.style import draw

COLUMN_INCHES = 4.6
DPI = 110
LEGEND_COLUMNS = 7


class Row(NamedTuple):
    """One line of a comparison: a picture with what is in it and what a model saw."""

    picture: np.ndarray  # (H, W, 3) uint8, RGB
    truth: np.ndarray  # (H, W) class numbers, 255 ignored
    prediction: np.ndarray  # (H, W) class numbers
    name: str = ""


def comparison_grid(
    rows: Sequence[Row],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    titles: Sequence[str] = ("input", "truth", "prediction"),
) -> np.ndarray:
    """Draw a grid: one row a picture; columns input, truth, prediction; below, the classes that occur.

    Ignored pixels of the truth are black. Under a row stands its name and the share of labelled pixels that the
    prediction has right.

    Args:
        rows: At least one.
        classes: All class names.
        palette: All colours, RGB, 0 to 255.
        titles: Of the three columns.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: There are no rows, or the sizes within one differ.
    """
    if not rows:
        raise MMFanError("Expected at least one row for a comparison grid, got none.")
    for row in rows:
        if row.picture.shape[:2] != row.truth.shape or row.truth.shape != row.prediction.shape:
            raise MMFanError(
                f"Picture, truth and prediction of {row.name or 'a row'} differ in size: {row.picture.shape[:2]}, "
                f"{row.truth.shape}, {row.prediction.shape}."
            )
    present = classes_present([part for row in rows for part in (row.truth, row.prediction)], len(classes))
    heights = [COLUMN_INCHES * row.truth.shape[0] / row.truth.shape[1] for row in rows]
    below = 0.35 + 0.24 * -(-len(present) // LEGEND_COLUMNS)
    total = sum(heights) + 0.3 * len(rows) + 0.35 + below
    figure = Figure(figsize=(3 * COLUMN_INCHES + 0.2, total), dpi=DPI, facecolor="white")
    grid = figure.add_gridspec(
        len(rows), 3, height_ratios=heights, left=0.006, right=0.994, top=1 - 0.35 / total, bottom=below / total,
        wspace=0.02, hspace=0.3 / (sum(heights) / len(rows)),
    )  # fmt: skip
    for line, row in enumerate(rows):
        for place, shown in enumerate((row.picture, paint(row.truth, palette), paint(row.prediction, palette))):
            axes = figure.add_subplot(grid[line, place])
            axes.imshow(shown, interpolation="nearest" if place else "antialiased", aspect="auto")
            axes.set_axis_off()
            if line == 0:
                axes.set_title(titles[place], fontsize=13, pad=6)
            if place == 0 and row.name:
                axes.text(0, -0.02, row.name, transform=axes.transAxes, va="top", fontsize=8.5, color="0.35")
            if place == 2:
                share = f"{_pixel_accuracy(row, len(classes)):.1%} of the pixels right"
                axes.text(1, -0.02, share, transform=axes.transAxes, va="top", ha="right", fontsize=8.5, color="0.35")
    figure.legend(
        handles=patches(classes, palette, present), ncol=LEGEND_COLUMNS, loc="lower center", frameon=False,
        fontsize=10, handlelength=1.4, handletextpad=0.5, columnspacing=1.6, borderaxespad=0.6,
    )  # fmt: skip
    return draw(figure)


def _pixel_accuracy(row: Row, count: int) -> float:
    """Share of the labelled pixels whose class is right; 0 where none is labelled."""
    labelled = row.truth < count
    return float((row.prediction == row.truth)[labelled].mean()) if labelled.any() else 0.0
