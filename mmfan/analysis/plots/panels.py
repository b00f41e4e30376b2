"""Figures made of pictures: a row a model, things painted over the picture that they were computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmfan.visualization.style import COLOURS, DPI, TEXT, fold

Panel = tuple[str, NDArray[np.uint8]]


def stretched(values: NDArray[Any], size: tuple[int, int], stride: int) -> NDArray[Any]:
    """Enlarge a map to a picture without mixing its values: each pixel takes the cell that it lies in.

    Maps count from the top left: where the stride does not divide a side, the last cell reaches over the edge, or (in
    maps rounded down) the pixels beyond it take the last cell.

    Args:
        values: (h, w).
        size: (H, W) of the picture, without padding.
        stride: Pixels a cell is wide.
    """
    rows, columns = (np.minimum(np.arange(size[axis]) // stride, values.shape[axis] - 1) for axis in (0, 1))
    return values[rows][:, columns]


def tinted(picture: NDArray[np.uint8], labels: NDArray[np.int_], opacity: float = 0.6) -> NDArray[np.uint8]:
    """Paint numbered areas (H, W) over an RGB picture (H, W, 3)."""
    palette = np.array([to_rgb(colour) for colour in COLOURS]) * 255
    return np.asarray((picture * (1 - opacity) + palette[labels] * opacity).round(), np.uint8)


def heated(
    picture: NDArray[np.uint8], values: NDArray[np.float64], highest: float | None = None, opacity: float = 0.65
) -> NDArray[np.uint8]:
    """Paint values (H, W) over an RGB picture: dark for 0, bright for ``highest`` (their largest by default)."""
    top = values.max() if highest is None else highest
    scaled = np.clip(values / top, 0, 1) if top > 0 else np.zeros_like(values)
    heat = colormaps["inferno"](scaled)[..., :3] * 255
    grey = picture.mean(axis=2, keepdims=True)  # so that colour is attention's alone
    return np.asarray((grey * (1 - opacity) + heat * opacity).round(), np.uint8)


def panel_figure(rows: Sequence[Sequence[Panel]], labels: Sequence[str], width: float = 2.3) -> Figure:
    """Pictures in a grid.

    Args:
        rows: For each model its panels, as titles and (H, W, 3) RGB pictures.
        labels: Names of the models.
        width: Of a panel, in inches.
    """
    columns = max(len(row) for row in rows)
    height, wide = rows[0][0][1].shape[:2]
    figure = Figure(figsize=(width * columns, len(rows) * (width * height / wide + 0.55)), dpi=DPI)
    outer = figure.subfigures(len(rows), 1, squeeze=False)
    for part, row, label in zip(outer[:, 0], rows, labels, strict=True):
        part.suptitle(fold(label, 90, 1), x=0.006, ha="left", fontsize=10, color=TEXT)
        grid = part.subplots(1, columns, squeeze=False)[0]
        room = width * height / wide + 0.55
        part.subplots_adjust(left=0.005, right=0.995, top=1 - 0.46 / room, bottom=0.04, wspace=0.03)
        for axes in grid:
            axes.axis("off")
        for axes, (title, picture) in zip(grid, row, strict=False):
            axes.imshow(picture)
            axes.set_title(fold(title, 34, 2), fontsize=8.5, color=TEXT, pad=3)
    return figure
