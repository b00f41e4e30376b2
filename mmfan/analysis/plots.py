"""Figures of analyses: curves over depth, lines of models, pictures painted over; a panel or a line a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from mmfan.visualization.style import COLOURS, DPI, TEXT, clear_frame, entry, fold, style_of

Line = tuple[Sequence[float], Sequence[float | None]]  # places and values; None leaves a gap
Panel = tuple[str, NDArray[np.uint8]]  # title, and (H, W, 3) RGB picture

# the taps that a walk through the depth of a model visits
BLOCK_KINDS = ("embed", "conv", "token", "channel")
# what each kind of tap is called, its colour and its marker, by which it is known without colour too
KIND_STYLES = {
    "embed": ("subsampling", "0.45", "s"),
    "conv": ("convolution", "#DDCC77", "D"),
    "token": ("token mixing", "#332288", "o"),
    "channel": ("channel processing", "#CC6677", "^"),
    "output": ("output", "#117733", "v"),
    "module": ("module", "0.2", "X"),
}


# -- what all figures share


def make_panels(rows: int, columns: int, size: tuple[float, float], **more: Any) -> tuple[Figure, Any]:
    """A figure and its (rows, columns) axes.

    Args:
        rows: Of panels.
        columns: Of panels.
        size: Width and height in inches.
        **more: Arguments of ``Figure.subplots``.
    """
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **more)


def name_axes(axes: Any, across: str | None = None, up: str | None = None, size: float = 9) -> None:
    """Name the horizontal and the vertical axis."""
    if across is not None:
        axes.set_xlabel(across, fontsize=size, color=TEXT)
    if up is not None:
        axes.set_ylabel(up, fontsize=size, color=TEXT)


def name_panel(axes: Any, title: str, width: int = 40, **more: Any) -> None:
    """The title of a panel, folded to a width in letters; ``more`` goes to ``set_title``."""
    axes.set_title(fold(title, width), **{"fontsize": 10, "color": TEXT, **more})


def legend_under(figure: Figure, handles: Iterable[Any], names: Iterable[str], **more: Any) -> None:
    """Names below all panels, in two columns; ``more`` goes to ``Figure.legend``."""
    layout = {"ncol": 2, "loc": "outside lower center", "frameon": False, "fontsize": 9}
    figure.legend(list(handles), list(names), **{**layout, **more})


def nan_for_none(values: Iterable[float | None]) -> list[float]:
    """Values to draw: those that are None or not finite leave a gap."""
    return [value if value is not None and np.isfinite(value) else float("nan") for value in values]


# -- over depth


def stretches(strides: Sequence[int]) -> list[tuple[int, int, int]]:
    """First place, last place and stride of each run of equal strides.

    >>> stretches([4, 4, 8])
    [(0, 1, 4), (2, 2, 8)]
    """
    found, start = [], 0
    for stride, run in groupby(strides):
        count = len(list(run))
        found.append((start, start + count - 1, stride))
        start += count
    return found


def depth_figure(results: Sequence[dict[str, Any]], labels: Sequence[str], key: str, says: str) -> Figure:
    """One panel a model: ``result[key]`` over the taps; see :func:`depth_panels`.

    Args:
        results: With ``taps``, ``kinds``, ``strides`` and ``key``, lists of one length.
        labels: Names of the models.
        key: What is drawn.
        says: The name of the axis.
    """
    figure, (panels,) = make_panels(1, len(results), (max(6.5, 4.6 * len(results)), 3.9), sharey=True)
    seen = depth_panels(panels, results, key)
    for axes, label in zip(panels, labels, strict=True):
        name_panel(axes, label, pad=14)
    name_axes(panels[0], up=says)
    legend_of_kinds(figure, seen)
    return figure


def depth_panels(panels: Sequence[Any], results: Sequence[dict[str, Any]], key: str) -> dict[str, Any]:
    """Draw ``result[key]`` of each model over its taps, marked by kind; lines join taps of one stride only.

    Returns:
        One artist for each kind that was met, for a legend.
    """
    seen: dict[str, Any] = {}
    for axes, result in zip(panels, results, strict=True):
        values = nan_for_none(result[key])
        for first, last, _ in stretches(result["strides"]):
            axes.plot(range(first, last + 1), values[first : last + 1], color="0.75", linewidth=1.2, zorder=1)
        mark_kinds(axes, result["kinds"], values, seen)
        mark_strides(axes, result["strides"])
        finish_depth(axes)
    return seen


def mark_kinds(
    axes: Any,
    kinds: Sequence[str],
    values: Sequence[float],
    seen: dict[str, Any],
    styles: dict[str, tuple[str, str, str]] = KIND_STYLES,
    size: float = 26,
) -> None:
    """A mark at each value that says of which kind its tap is; ``seen`` gets an artist a kind, for a legend."""
    for kind, (spoken, colour, marker) in styles.items():
        at = [index for index, one in enumerate(kinds) if one == kind]
        if at:
            seen[spoken] = axes.scatter(at, [values[i] for i in at], c=colour, marker=marker, s=size, zorder=2)


def finish_depth(axes: Any) -> None:
    """Name the axis of depth, with whole numbers."""
    clear_frame(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    name_axes(axes, "tap, from the input on")


def mark_strides(axes: Any, strides: Sequence[int]) -> None:
    """Dashed lines between taps of different strides, and the strides above the panel."""
    for first, last, stride in stretches(strides):
        axes.text(
            (first + last) / 2, 1.01, f"1/{stride}", transform=axes.get_xaxis_transform(),
            ha="center", va="bottom", fontsize=8, color="0.45",
        )  # fmt: skip
        if last + 1 < len(strides):
            axes.axvline(last + 0.5, color="0.8", linestyle="--", linewidth=0.8, zorder=0)


def legend_of_kinds(figure: Figure, seen: dict[str, Any]) -> None:
    """Say below the panels which mark is which kind."""
    legend_under(figure, seen.values(), seen, ncol=len(seen), handletextpad=0.2)


# -- lines of models


def line_grid(
    panels: Sequence[tuple[str, Sequence[Line]]],
    names: Sequence[str],
    across: str,
    up: str,
    *,
    rows: int = 1,
    log: bool = False,
) -> Figure:
    """Several panels with common axes, each with a title and a line a model.

    Args:
        panels: Title and lines of each, row by row.
        names: For the legend.
        across: Name of the horizontal axes.
        up: Name of the vertical axes.
        rows: Number of rows.
        log: Logarithmic horizontal axes, in powers of 2.
    """
    columns = len(panels) // rows
    size = (max(6.4, 3.3 * columns), 2.5 * rows + 1.2)
    figure, grid = make_panels(rows, columns, size, sharex=True, sharey=True)
    for place, (title, lines) in enumerate(panels):
        row, column = divmod(place, columns)
        axes = grid[row][column]
        draw_lines(axes, lines, names, log=log)
        axes.set_title(title, fontsize=10, color=TEXT)
        name_axes(axes, across if row == rows - 1 else None, None if column else up)
    legend_under(figure, *grid[0][0].get_legend_handles_labels())
    return figure


def draw_lines(axes: Any, lines: Sequence[Line], names: Sequence[str], *, log: bool = False) -> None:
    """Lines of models into axes, in the models' styles."""
    for place, ((across, values), name) in enumerate(zip(lines, names, strict=True)):
        style = style_of(place)
        axes.plot(
            across, nan_for_none(values), color=style.colour, marker=style.marker, linestyle=style.dash,
            markersize=4.5, linewidth=1.6, label=entry(fold(name, 44)),
        )  # fmt: skip
    if log:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ScalarFormatter())
    clear_frame(axes)


# -- pictures


def stretched(values: NDArray[Any], size: tuple[int, ...], stride: int) -> NDArray[Any]:
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


def image_grid(rows: Sequence[Sequence[Panel]], labels: Sequence[str], width: float = 2.3) -> Figure:
    """Pictures in a grid, a row a model.

    Args:
        rows: For each model its panels.
        labels: Names of the models.
        width: Of a panel, in inches.
    """
    columns = max(len(row) for row in rows)
    height, wide = rows[0][0][1].shape[:2]
    room = width * height / wide + 0.55
    figure = Figure(figsize=(width * columns, len(rows) * room), dpi=DPI)
    outer = figure.subfigures(len(rows), 1, squeeze=False)
    for part, row, label in zip(outer[:, 0], rows, labels, strict=True):
        part.suptitle(fold(label, 90, 1), x=0.006, ha="left", fontsize=10, color=TEXT)
        grid = part.subplots(1, columns, squeeze=False)[0]
        part.subplots_adjust(left=0.005, right=0.995, top=1 - 0.46 / room, bottom=0.04, wspace=0.03)
        for axes in grid:
            axes.axis("off")
        for axes, (title, picture) in zip(grid, row, strict=False):
            axes.imshow(picture)
            name_panel(axes, title, 34, fontsize=8.5, pad=3)
    return figure
