"""Grids of models' predictions on the same pictures, clean and corrupted, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from mmfan.errors import MMFanError
from mmfan.utils.text import counted
from mmfan.visualization.legends import classes_present, patches
from mmfan.visualization.overlays import paint
from mmfan.visualization.style import TEXT, draw, fold

DPI = 100
# together the columns are about this wide, in inches, but a column is neither narrower nor wider than these
ALL_INCHES, NARROW, WIDE = 16.0, 1.9, 4.4


class ModelRow(NamedTuple):
    """One line of the grid.

    Attributes:
        picture: (H, W, 3) uint8, RGB: what the models were given.
        truth: (H, W) class numbers, 255 where nothing is labelled, or a picture with objects painted over it,
            (k * H, k * W, 3) uint8, RGB; None where there is none.
        predictions: The same for each model; None where a model's is not there.
        label: What stands under the picture: its name, or what was done to it.
        name: What stands under the truth: the name of the picture, where the label says another thing.
    """

    picture: np.ndarray
    truth: np.ndarray | None
    predictions: tuple[np.ndarray | None, ...]
    label: str
    name: str = ""


def model_grid(
    rows: Sequence[ModelRow], models: Sequence[str], classes: Sequence[str], palette: Sequence[Sequence[int]]
) -> np.ndarray:
    """Draw a grid: one row a picture and corruption; columns input, truth, the prediction of each model.

    Under each label map that is predicted stands the share of labelled pixels that it has right. Unlabelled pixels are
    black, and what is not there is grey.

    Args:
        rows: At least one.
        models: Titles of the predictions; one for what a single model sees.
        classes: All class names.
        palette: All colours, RGB, 0 to 255.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: There are no rows, a row has not one prediction a model, or sizes within a row differ.
    """
    _check(rows, models)
    columns = 2 + len(models)
    width = min(WIDE, max(NARROW, ALL_INCHES / columns))
    heights = [width * row.picture.shape[0] / row.picture.shape[1] for row in rows]
    labels = [part for row in rows for part in (row.truth, *row.predictions) if part is not None and part.ndim == 2]
    present = classes_present(labels, len(classes)) if labels else []
    titles = ["input", "truth", *(fold(name, int(width * 9), 3) for name in models)]
    above = 0.14 + 0.2 * max(title.count("\n") + 1 for title in titles)
    per_row = max(1, int(width * columns / 1.7))
    below = 0.15 + 0.24 * -(-len(present) // per_row)
    under = 0.24
    total = above + sum(heights) + under * len(rows) + below
    figure = Figure((width * columns + 0.1, total), dpi=DPI, facecolor="white")
    top = total - above
    for row, height in zip(rows, heights, strict=True):
        for place, shown in enumerate(_shown(row, palette)):
            left = 0.05 + place * width
            axes = figure.add_axes(
                (
                    left / figure.get_figwidth(),
                    (top - height) / total,
                    (width - 0.05) / figure.get_figwidth(),
                    height / total,
                )
            )
            axes.imshow(shown, interpolation="nearest" if place else "antialiased", aspect="auto")
            axes.set_axis_off()
            if row is rows[0]:
                axes.set_title(titles[place], fontsize=9.5, pad=4, color=TEXT)
            below_it = (_fit(row.label, width), _fit(row.name, width))
            note = below_it[place] if place < 2 else _share(row, place - 2, len(classes))
            axes.text(0, -0.025, note, transform=axes.transAxes, va="top", fontsize=7.5, color="0.35")
        top -= height + under
    if present:
        figure.legend(
            handles=patches(classes, palette, present), ncol=per_row, loc="lower center", frameon=False, fontsize=9,
            handlelength=1.4, handletextpad=0.5, columnspacing=1.4, borderaxespad=0.4,
        )  # fmt: skip
    return draw(figure)


def _check(rows: Sequence[ModelRow], models: Sequence[str]) -> None:
    if not rows:
        raise MMFanError("Expected at least one row for a grid of predictions, got none.")
    for row in rows:
        what = f"row {row.label!r} of {row.name or 'the grid'}"
        if len(row.predictions) != len(models):
            raise MMFanError(
                f"Expected {counted(len(models), 'prediction')} in {what}, one a model; got {len(row.predictions)}."
            )
        for name, part in zip(("truth", *models), (row.truth, *row.predictions), strict=True):
            if part is not None and part.ndim == 2 and part.shape != row.picture.shape[:2]:
                raise MMFanError(
                    f"Expected labels of the picture's size {row.picture.shape[:2]} for {name!r} in {what}, got "
                    f"{part.shape}."
                )


def _shown(row: ModelRow, palette: Sequence[Sequence[int]]) -> list[np.ndarray]:
    missing = np.full_like(row.picture, 225)

    def painted(part: np.ndarray | None) -> np.ndarray:
        if part is None:
            return missing
        return part if part.ndim == 3 else paint(part, palette)

    return [row.picture, *map(painted, (row.truth, *row.predictions))]


def _share(row: ModelRow, model: int, count: int) -> str:
    """How many of the labelled pixels a model has right, as text."""
    prediction = row.predictions[model]
    if prediction is None:
        return "not there"
    if row.truth is None or row.truth.ndim == 3 or prediction.ndim == 3:
        return ""
    labelled = row.truth < count
    if not labelled.any():
        return ""
    return f"{float((prediction == row.truth)[labelled].mean()):.1%} of the pixels right"


def _fit(name: str, width: float) -> str:
    return fold(name, int(width * 15), 1)
