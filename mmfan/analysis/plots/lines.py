"""Line plots that analyses with scores share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from mmfan.visualization.style import DPI, TEXT, clear_frame, fold, style_of

Line = tuple[Sequence[float], Sequence[float | None]]


def line_figure(
    lines: Sequence[Line], names: Sequence[str], across: str, up: str, *, zero: bool = False, log: bool = False
) -> Figure:
    """One panel with a line a model.

    Args:
        lines: Places and values of each; None leaves a gap.
        names: For the legend.
        across: Name of the horizontal axis.
        up: Name of the vertical axis.
        zero: Draw a line at 0.
        log: Logarithmic horizontal axis, in powers of 2.
    """
    figure = Figure(figsize=(6.4, 4.2), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    draw_lines(axes, lines, names, log=log)
    if zero:
        axes.axhline(0, color="0.5", linewidth=1)
    axes.set_xlabel(across, fontsize=10, color=TEXT)
    axes.set_ylabel(up, fontsize=10, color=TEXT)
    legend_under(figure, axes)
    return figure


def panel_figure(
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
    figure = Figure(figsize=(max(6.4, 3.3 * columns), 2.5 * rows + 1.2), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for place, (title, lines) in enumerate(panels):
        row, column = divmod(place, columns)
        axes = grid[row][column]
        draw_lines(axes, lines, names, log=log)
        axes.set_title(title, fontsize=10, color=TEXT)
        if row == rows - 1:
            axes.set_xlabel(across, fontsize=9, color=TEXT)
        if column == 0:
            axes.set_ylabel(up, fontsize=9, color=TEXT)
    legend_under(figure, grid[0][0])
    return figure


def draw_lines(axes: Any, lines: Sequence[Line], names: Sequence[str], *, log: bool = False) -> None:
    """Lines of models into axes, in the models' styles."""
    for place, ((across, values), name) in enumerate(zip(lines, names, strict=True)):
        style = style_of(place)
        axes.plot(
            across, [float("nan") if value is None else value for value in values], color=style.colour,
            marker=style.marker, linestyle=style.dash, markersize=4.5, linewidth=1.6, label=fold(name, 44),
        )  # fmt: skip
    if log:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ScalarFormatter())
    clear_frame(axes)


def legend_under(figure: Figure, axes: Any) -> None:
    """The lines' names below all panels."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, ncol=2, loc="outside lower center", frameon=False, fontsize=9)
