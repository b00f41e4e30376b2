"""Plots of retention, as bars and as a map of numbers, and of scores as curves over severity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mmfan.errors import MMFanError
from mmfan.utils.text import one_line, spoken
from mmfan.visualization.style import DPI, TEXT, clear_frame, draw, fold, grouped, legend_below, style_of

PANEL_COLUMNS = 2
TITLE_INCHES = 0.75


class Summary(Protocol):
    """What is drawn of one model: the attributes of that name of a summary in mmfan.evaluation; scores are fractions.

    Attributes:
        name: Stands in the legend.
        clean: The score on the clean set.
        corrupted: The overall score on the corrupted set.
        by_corruption: Mean score over the severities of each corruption; one that is not there is left out.
        by_group: Mean score of each group.
        scores: Corruption -> severity -> score.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def clean(self) -> float | None: ...  # noqa: D102
    @property
    def corrupted(self) -> float: ...  # noqa: D102
    @property
    def by_corruption(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def by_group(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def scores(self) -> Mapping[str, Mapping[int, float]]: ...  # noqa: D102


def retention_bars(models: Sequence[Summary], groups: Mapping[str, Sequence[str]], subtitle: str = "") -> np.ndarray:
    """Retention (score / clean score, in percent) of each corruption, one bar a model, one panel a group.

    Args:
        models: At least one; their clean scores are above 0.
        groups: The corruptions of each group.
        subtitle: Says what was scored, on which protocol.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: There is nothing to draw, or a clean score that is not above 0.
    """
    panels = grouped(_corruptions(models), groups)
    largest = max(len(names) for names in panels.values()) + 1
    columns = min(PANEL_COLUMNS, len(panels))
    panel = min(9.5, max(4.6, 0.5 + largest * max(0.8, 0.16 * len(models) + 0.2)))
    rows, width = -(-len(panels) // columns), columns * panel + 0.5
    figure = Figure(facecolor="white", dpi=DPI)
    styles = [style_of(place) for place in range(len(models))]
    handles = [Patch(facecolor=s.colour, hatch=s.hatch, edgecolor="white", linewidth=0.4) for s in styles]
    below = legend_below(figure, handles, [model.name for model in models], width)
    height = rows * 2.9 + TITLE_INCHES + below
    figure.set_size_inches(width, height)
    highest = max(
        _retention(model, score)
        for model in models
        for score in (*model.by_corruption.values(), *model.by_group.values())
        if math.isfinite(score)
    )
    for place, (group, names) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, columns, place + 1)
        _bars(axes, models, group, names)
        axes.set_ylim(0, max(105, highest * 1.06))
        axes.set_xlim(-0.55, largest - 0.45)
        if place % columns == 0:
            axes.set_ylabel("retention, %", color=TEXT)
    _title(figure, "Retention by corruption", subtitle, height)
    figure.subplots_adjust(
        left=0.62 / width, right=1 - 0.12 / width, bottom=(below + 0.55) / height,
        top=1 - (TITLE_INCHES + 0.25) / height, hspace=0.45, wspace=0.09,
    )  # fmt: skip
    return draw(figure)


def _bars(axes: Any, models: Sequence[Summary], group: str, names: Sequence[str]) -> None:
    clear_frame(axes)
    thick = 0.8 / len(models)
    for place, model in enumerate(models):
        style = style_of(place)
        scores = [model.by_corruption.get(name, math.nan) for name in names]
        scores.append(model.by_group.get(group, math.nan))
        at = np.arange(len(scores)) + (place - (len(models) - 1) / 2) * thick
        axes.bar(
            at, [_retention(model, score) for score in scores], thick * 0.92, color=style.colour, hatch=style.hatch,
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        if len(models) <= 2:
            for x, score in zip(at, scores, strict=True):
                if math.isfinite(score):
                    axes.text(
                        x, _retention(model, score) + 1.2, f"{_retention(model, score):.0f}", ha="center",
                        fontsize=7.5, color=TEXT,
                    )  # fmt: skip
    axes.axhline(100, color="0.5", linewidth=0.9, linestyle=(0, (4, 3)))
    axes.axvspan(len(names) - 0.5, len(names) + 0.5, color="0.95", zorder=0)
    labels = [one_line(spoken(name)).replace(" ", "\n", 1) for name in names] + [f"mean of\n{one_line(group)}"]
    axes.set_xticks(range(len(labels)), labels, fontsize=9)
    axes.tick_params(axis="x", length=0)
    axes.set_title(one_line(group), fontsize=11, color=TEXT, loc="left", fontweight="bold")


def severity_curves(
    models: Sequence[Summary], groups: Mapping[str, Sequence[str]], metric: str, subtitle: str = ""
) -> np.ndarray:
    """Score (in percent) against severity, one panel a corruption, one row of panels a group; severity 0 is clean.

    Args:
        models: At least one.
        groups: The corruptions of each group.
        metric: Name of the score, for the axis.
        subtitle: Says on which protocol.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: There is nothing to draw, or a clean score that is not above 0.
    """
    panels = grouped(_corruptions(models), groups)
    if max(len(names) for names in panels.values()) < 3:
        panels = {"": [name for names in panels.values() for name in names]}  # rows of one or two would waste the page
    columns = max(2, min(5, max(len(names) for names in panels.values())))
    lines = [
        (group if first == 0 else "", names[first : first + columns])
        for group, names in panels.items()
        for first in range(0, len(names), columns)
    ]
    width = 2.75 * columns + 0.75
    figure = Figure(facecolor="white", dpi=DPI)
    styles = [style_of(place) for place in range(len(models))]
    handles = [Line2D([], [], color=s.colour, marker=s.marker, linestyle=s.dash, markersize=5) for s in styles]
    below = legend_below(figure, handles, [model.name for model in models], width)
    height = 2.15 * len(lines) + TITLE_INCHES + below + 0.35
    figure.set_size_inches(width, height)
    grid = figure.add_gridspec(
        len(lines), columns, left=0.85 / width, right=1 - 0.12 / width, bottom=(below + 0.45) / height,
        top=1 - (TITLE_INCHES + 0.2) / height, hspace=0.34, wspace=0.08,
    )  # fmt: skip
    steps = sorted({severity for model in models for row in model.scores.values() for severity in row})
    top = max(max(model.clean or 0, *(max(row.values()) for row in model.scores.values())) for model in models)
    for line, (group, names) in enumerate(lines):
        for place, name in enumerate(names):
            axes = figure.add_subplot(grid[line, place])
            _curves(axes, models, name, steps)
            axes.set_ylim(0, top * 100 * 1.05)
            axes.set_xlim(-0.25, steps[-1] + 0.25)
            axes.set_xticks([0, *steps], ["clean", *map(str, steps)] if line == len(lines) - 1 else [])
            axes.set_title(one_line(spoken(name)), fontsize=10, color=TEXT, pad=4)
            if place == 0:
                label = f"{one_line(group)}\n" if group else ""
                axes.set_ylabel(f"{label}{one_line(metric)}, %", color=TEXT, fontsize=9.5)
            else:
                axes.set_yticklabels([])
    figure.text(0.5, (below + 0.02) / height, "severity", ha="center", color=TEXT, fontsize=10)
    _title(figure, f"{one_line(metric)} by severity", subtitle, height)
    return draw(figure)


def _curves(axes: Any, models: Sequence[Summary], corruption: str, severities: Sequence[int]) -> None:
    clear_frame(axes)
    for place, model in enumerate(models):
        style = style_of(place)
        own = model.scores.get(corruption, {})
        known = {0: model.clean or 0, **own}
        # a severity that other corruptions have and this one has not is a gap in the line
        steps = [0, *(at for at in severities if own and min(own) <= at <= max(own))]
        axes.plot(
            steps, [100 * known.get(step, math.nan) for step in steps],
            color=style.colour, marker=style.marker, linestyle=style.dash, linewidth=1.5, markersize=4.5,
            markeredgecolor="white", markeredgewidth=0.5,
        )  # fmt: skip


def retention_map(models: Sequence[Summary], groups: Mapping[str, Sequence[str]], subtitle: str = "") -> np.ndarray:
    """Retention in percent of every model on every corruption, as numbers on colours (darker is lower).

    Args:
        models: At least one; their clean scores are above 0.
        groups: The corruptions of each group, which stand together.
        subtitle: Says what was scored, on which protocol.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MMFanError: There is nothing to draw, or a clean score that is not above 0.
    """
    panels = grouped(_corruptions(models), groups)
    names = [name for members in panels.values() for name in members]
    values = np.array(
        [
            [_retention(model, model.by_corruption.get(name, math.nan)) for name in names]
            + [_retention(model, model.corrupted)]
            for model in models
        ]
    )
    folded = [fold(model.name, 34) for model in models]
    left = 0.35 + 0.085 * max(len(line) for name in folded for line in name.split("\n"))
    across, body = 0.52 * (len(names) + 1), 0.46 * len(models)
    width = max(4.6, left + across + 0.85)  # the title needs some
    above, below = TITLE_INCHES + 0.3, 1.3
    height = body + above + below
    figure = Figure((width, height), facecolor="white", dpi=DPI)
    axes = figure.add_axes((left / width, below / height, across / width, body / height))
    top = max(100.0, float(np.nanmax(values))) if np.isfinite(values).any() else 100.0
    image = axes.imshow(values, cmap="cividis", vmin=0, vmax=top, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = f"{value:.0f}" if math.isfinite(value) else "-"
        dark = math.isfinite(value) and value < 0.48 * top
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if dark else "black")
    axes.set_yticks(range(len(models)), folded, fontsize=9.5, color=TEXT)
    labels = [one_line(spoken(name)) for name in names] + ["all"]
    axes.set_xticks(
        range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=9.5, color=TEXT
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    start = 0
    for group, members in panels.items():
        size = 10 if len(members) > 1 else 7.5
        axes.text(
            start - 0.45,
            -0.58,
            fold(group, 7 * len(members), 1),
            fontsize=size,
            fontweight="bold",
            color=TEXT,
            va="bottom",
        )
        start += len(members)
        axes.axvline(start - 0.5, color="white", linewidth=5)
    bar = figure.add_axes(((left + across + 0.15) / width, below / height, 0.16 / width, body / height))
    figure.colorbar(image, cax=bar).outline.set_visible(False)
    bar.tick_params(labelsize=8.5, color="0.6", labelcolor=TEXT)
    _title(figure, "Retention by model and corruption, %", subtitle, height)
    return draw(figure)


def _corruptions(models: Sequence[Summary]) -> list[str]:
    """All corruptions of the models, in the first model's order; raises where nothing can be drawn."""
    if not models:
        raise MMFanError("Expected at least one model to plot, got none.")
    for model in models:
        if not (model.clean or 0) > 0:
            raise MMFanError(f"Expected a clean score above 0 for {model.name!r}, got {model.clean}.")
    names = list(dict.fromkeys(name for model in models for name in model.by_corruption))
    if not names:
        raise MMFanError("Expected at least one corruption to plot, got none.")
    return names


def _retention(model: Summary, score: float) -> float:
    """A score in percent of the model's clean one."""
    return 100 * score / (model.clean or math.nan)


def _title(figure: Figure, title: str, subtitle: str, height: float) -> None:
    """The head of a figure; a subtitle that is too long for its width is set smaller."""
    width, subtitle = figure.get_figwidth(), one_line(subtitle)
    small = min(9.5, 9.5 * (width - 0.3) / (0.076 * max(1, len(subtitle))))
    figure.text(0.12 / width, 1 - 0.12 / height, title, fontsize=13.5, va="top", fontweight="bold")
    figure.text(0.12 / width, 1 - 0.42 / height, subtitle, fontsize=small, va="top", color="0.35")
