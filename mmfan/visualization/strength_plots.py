"""Plots of scores over the strength of a condition, such as the radius of an attack; a cross at half of the clean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmfan.errors import MMFanError
from mmfan.utils.text import one_line, spoken
from mmfan.visualization.style import DPI, TEXT, clear_frame, draw, legend_below, style_of

_WIDTH, _PANEL, _TITLE = 6.4, 3.5, 0.75  # inches


class Strengths(Protocol):
    """What is drawn of one model: the attributes of that name of a summary in mmfan.evaluation; scores are fractions.

    Attributes:
        name: Stands in the legend.
        clean: The score at strength 0; None leaves the curve without its begin, and without a half.
        scores: Type -> strength, rising -> score.
        halves: Type -> strength at half of the clean score; None where it is not reached.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def clean(self) -> float | None: ...  # noqa: D102
    @property
    def scores(self) -> Mapping[str, Mapping[int | float, float]]: ...  # noqa: D102
    @property
    def halves(self) -> Mapping[str, float | None]: ...  # noqa: D102


def strength_curves(
    models: Sequence[Strengths], kind: str, metric: str, strength: str = "strength", subtitle: str = ""
) -> np.ndarray:
    """Score in percent over strength from 0, the clean pictures, on: one line a model; a cross where half is left.

    Args:
        models: At least one with scores of ``kind``.
        kind: The type of condition that is drawn.
        metric: Name of the score.
        strength: What the strength is, with its unit.
        subtitle: What was done, with its settings.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: No model has scores of this type.
    """
    drawn = [(place, model) for place, model in enumerate(models) if model.scores.get(kind)]
    if not drawn:
        raise MMFanError(f"No model has scores of {kind!r} to plot.")
    figure = Figure(facecolor="white", dpi=DPI)
    styles = [style_of(place) for place, _ in drawn]
    handles = [Line2D([], [], color=s.colour, marker=s.marker, linestyle=s.dash, markersize=5) for s in styles]
    below = legend_below(figure, handles, [model.name for _, model in drawn], _WIDTH)
    height = _PANEL + _TITLE + below + 0.5
    figure.set_size_inches(_WIDTH, height)
    axes = figure.add_axes(
        (0.7 / _WIDTH, (below + 0.5) / height, 1 - 0.9 / _WIDTH, (height - below - 0.5 - _TITLE) / height)
    )
    clear_frame(axes)
    for place, model in drawn:
        _curve(axes, place, model, kind)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(one_line(strength), color=TEXT)
    axes.set_ylabel(f"{one_line(metric)}, %", color=TEXT)
    figure.text(0.12 / _WIDTH, 1 - 0.12 / height, one_line(spoken(kind)), fontsize=13.5, va="top", fontweight="bold")
    told = one_line(f"{subtitle}; cross: half of the clean score" if subtitle else "cross: half of the clean score")
    small = min(9.5, 9.5 * (_WIDTH - 0.3) / (0.076 * len(told)))
    figure.text(0.12 / _WIDTH, 1 - 0.42 / height, told, fontsize=small, va="top", color="0.35")
    return draw(figure)


def _curve(axes: Any, place: int, model: Strengths, kind: str) -> None:
    style, scores = style_of(place), model.scores[kind]
    points: dict[int | float, float] = {} if model.clean is None else {0: model.clean}
    points |= dict(sorted(scores.items()))
    axes.plot(
        list(points), [100 * score for score in points.values()], color=style.colour, marker=style.marker,
        linestyle=style.dash, linewidth=1.5, markersize=5, markeredgecolor="white", markeredgewidth=0.5,
    )  # fmt: skip
    half = model.halves.get(kind)
    if half is not None and model.clean is not None:
        axes.plot(
            half, 50 * model.clean, color=style.colour, marker="x", markersize=8, markeredgewidth=2, linestyle="none"
        )
