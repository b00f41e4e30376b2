"""Plots of calibration: reliability diagrams, and confidence against accuracy on every corruption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.utils.text import one_line
from mmfan.visualization.style import DPI, TEXT, clear_frame, draw, fold, legend_below, style_of

_PANEL = 3.1  # inches
_TITLE = 0.8


class Calibration(Protocol):
    """What is drawn of one model: the attributes of that name of a summary in mmfan.evaluation; fractions.

    Attributes:
        clean: ``accuracy`` and ``confidence`` of the clean pictures.
        by_corruption: Corruption -> the same of its pictures.
        reliability_clean: (bins, 3): share of the pixels, mean confidence and share of right ones of each bin.
        reliability_corrupted: The same of all corrupted pictures.
    """

    @property
    def clean(self) -> Mapping[str, float | None]: ...  # noqa: D102
    @property
    def by_corruption(self) -> Mapping[str, Mapping[str, float | None]]: ...  # noqa: D102
    @property
    def reliability_clean(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def reliability_corrupted(self) -> NDArray[np.float64]: ...  # noqa: D102


def reliability_diagrams(models: Sequence[tuple[str, Calibration]], subtitle: str = "") -> np.ndarray:
    """Share of right pixels against confidence, clean and corrupted, one panel a model; below the diagonal: too sure.

    The area of a dot grows with the pixels of its bin.

    Args:
        models: Names and numbers; at least one.
        subtitle: Says on which protocol.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: There is nothing to draw.
    """
    figure, places, below = _panels(models, 2, ["clean", "corrupted"])
    for axes, (name, found) in zip(places, models, strict=True):
        for place, table in enumerate((found.reliability_clean, found.reliability_corrupted)):
            style, there = style_of(place), np.isfinite(table[:, 1])
            axes.plot(100 * table[there, 1], 100 * table[there, 2], color=style.colour, linewidth=1.4)
            axes.scatter(
                100 * table[there, 1], 100 * table[there, 2], s=8 + 220 * table[there, 0], color=style.colour,
                marker=style.marker, alpha=0.75,
            )  # fmt: skip
        _square(axes, name, "right, %")
    return _finished(figure, "Reliability", subtitle, below)


def confidence_against_accuracy(models: Sequence[tuple[str, Calibration]], subtitle: str = "") -> np.ndarray:
    """Mean confidence against accuracy, a point a corruption and a large one for the clean pictures.

    On the diagonal a model knows what it loses; above it, it does not.

    Args:
        models: Names and numbers; at least one.
        subtitle: Says on which protocol.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: There is nothing to draw.
    """
    figure, places, below = _panels([models[0]] if models else [], len(models), [name for name, _ in models])
    axes = places[0]
    for place, (_, found) in enumerate(models):
        style = style_of(place)
        for scores, size in ((found.clean, 130), *((one, 30) for one in found.by_corruption.values())):
            accuracy, confidence = scores.get("accuracy"), scores.get("confidence")
            if accuracy is not None and confidence is not None:
                axes.scatter(
                    100 * accuracy, 100 * confidence, s=size, color=style.colour, marker=style.marker, alpha=0.8,
                    edgecolor="white", linewidth=0.6,
                )  # fmt: skip
    _square(axes, "", "confidence, %", "right, %")
    axes.text(4, 95, "does not know", fontsize=9, color="0.35", va="top")
    axes.text(96, 5, "doubts too much", fontsize=9, color="0.35", ha="right")
    return _finished(figure, "Loses accuracy, and knows it?", subtitle, below)


def _panels(models: Sequence[Any], styles: int, names: Sequence[str]) -> tuple[Figure, list[Any], float]:
    """A figure with a square panel a model, and a legend below it of that height."""
    if not models:
        raise MMFanError("Expected at least one model with calibration to plot, got none.")
    columns = min(3, len(models))
    rows, width = -(-len(models) // columns), max(4.4, columns * (_PANEL + 0.75) + 0.3)
    figure = Figure(facecolor="white", dpi=DPI)
    drawn = [style_of(place) for place in range(styles)]
    handles = [Line2D([], [], color=one.colour, marker=one.marker, markersize=6) for one in drawn]
    below = legend_below(figure, handles, names, width)
    height = rows * (_PANEL + 0.75) + _TITLE + below
    figure.set_size_inches(width, height)
    places = []
    for place in range(len(models)):
        left, top = 0.7 + place % columns * (_PANEL + 0.75), _TITLE + 0.15 + place // columns * (_PANEL + 0.75)
        places.append(figure.add_axes((left / width, 1 - (top + _PANEL) / height, _PANEL / width, _PANEL / height)))
    return figure, places, below


def _square(axes: Any, name: str, upwards: str, across: str = "confidence, %") -> None:
    clear_frame(axes)
    axes.plot([0, 100], [0, 100], color="0.5", linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    axes.set_xlabel(across, color=TEXT, fontsize=9.5)
    axes.set_ylabel(upwards, color=TEXT, fontsize=9.5)
    if name:
        axes.set_title(fold(name, 34), fontsize=10, color=TEXT, pad=4)


def _finished(figure: Figure, title: str, subtitle: str, below: float) -> np.ndarray:
    width, height = figure.get_size_inches()
    small = min(9.5, 9.5 * (width - 0.3) / (0.076 * max(1, len(subtitle))))
    figure.text(0.12 / width, 1 - 0.12 / height, title, fontsize=13.5, va="top", fontweight="bold")
    figure.text(0.12 / width, 1 - 0.42 / height, one_line(subtitle), fontsize=small, va="top", color="0.35")
    return draw(figure)
