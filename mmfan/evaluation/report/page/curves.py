"""Curves of a page, as SVG: scores by severity, one small drawing for the mean and for each type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.page.markup import Markup, element, joined
from mmfan.evaluation.report.page.plots import MARKERS
from mmfan.evaluation.report.page.who import colour
from mmfan.evaluation.report.tables.words import percent
from mmfan.evaluation.results.store import is_defined
from mmfan.utils.text import spoken

# In units of the drawing, which are pixels or a little more
WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 250, 150, 30, 10, 8, 22
MOST_LABELS = 8  # of severities below the axis


class _Axes(NamedTuple):
    """What all drawings have in common: the severities across, 0 for clean, and the highest score."""

    steps: tuple[int, ...]
    top: float
    metric: str

    def across(self, step: int) -> str:
        """Where a severity stands."""
        return f"{LEFT + (WIDE - LEFT - RIGHT) * step / self.steps[-1]:.1f}"

    def down(self, score: float, by: float = 0) -> str:
        """Where a score stands, a fraction."""
        return f"{HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * score / self.top + by:.1f}"


def curves(report: Report) -> Markup:
    """Score by severity: the mean, where one was taken, and each type, all of one height."""
    models = [model.summary for model in report.models]
    scores = [score for found in models for row in found.scores.values() for score in row.values()]
    steps = (0, *sorted({cell.severity for cell in report.protocol.cells}))
    axes = _Axes(steps, _above(max([*scores, *(found.clean or 0 for found in models)])), report.metric)
    drawn = []
    if any(len(found.by_severity) > 1 for found in models):
        lines = [_known({0: found.clean, **found.by_severity}) for found in models]
        drawn.append(_curve("mean of the types", report, lines, axes))
    for name in report.protocol.corruptions:
        lines = [_known({0: found.clean, **found.scores.get(name, {})}) for found in models]
        drawn.append(_curve(spoken(name), report, lines, axes))
    return element("div", joined(*drawn), class_="curves")


def _known(line: Mapping[int, float | None]) -> dict[int, float]:
    return {step: score for step, score in line.items() if is_defined(score)}


def _above(score: float) -> float:
    """The end of the axis: the next tenth."""
    return max(0.1, math.ceil(score * 10 - 1e-9) / 10)


def _curve(name: str, report: Report, lines: list[dict[int, float]], axes: _Axes) -> Markup:
    models = [model.name for model in report.models]
    told = "; ".join(
        f"{model} {', '.join(f'{_at(step)} {percent(score)}' for step, score in line.items())}"
        for model, line in zip(models, lines, strict=True)
    )
    about = f"Curves of {axes.metric} in % by severity of {name}. {told}"
    drawn = [
        _line(line, axes, at, f"{model}, {name}") for at, (model, line) in enumerate(zip(models, lines, strict=True))
    ]
    return element(
        "figure",
        element("figcaption", element("h4", name)),
        element("svg", *_grid(axes), *drawn, viewBox=f"0 0 {WIDE} {HIGH}", role="img", aria_label=about),
    )


def _grid(axes: _Axes) -> list[Markup]:
    """Faint lines at quarters of the height, with numbers in percent; names of the severities."""
    drawn = []
    for part in range(5):
        score = axes.top * part / 4
        height = axes.down(score)
        drawn.append(element("line", x1=LEFT, x2=WIDE - RIGHT, y1=height, y2=height, class_="grid"))
        label = f"{round(100 * score, 1):g}"
        drawn.append(element("text", label, x=LEFT - 5, y=axes.down(score, 3.5), class_="tick end"))
    for step in axes.steps[:: -(-len(axes.steps) // MOST_LABELS)]:
        label = "clean" if step == 0 else str(step)
        drawn.append(element("text", label, x=axes.across(step), y=HIGH - 6, class_="tick middle"))
    return drawn


def _line(line: Mapping[int, float], axes: _Axes, at: int, what: str) -> Markup:
    """The line of one model; a severity that others have and it has not is a gap in it."""
    path, joins = "", False
    for step in axes.steps:
        if step in line:
            path += f"{'L' if joins else 'M'}{axes.across(step)},{axes.down(line[step])}"
        joins = step in line
    dots = [
        element(
            "g",
            element("title", f"{what}, {_at(step)}: {axes.metric} {percent(score)} %"),
            element("circle", r=9, class_="reach"),
            element("path", d=MARKERS[at % len(MARKERS)], class_="dot"),
            transform=f"translate({axes.across(step)},{axes.down(score)})",
            class_="hint",
            data_step=step,
        )
        for step, score in line.items()
    ]
    return element("g", element("path", d=path, class_="curve"), *dots, class_=colour(at), data_model=at)


def _at(step: int) -> str:
    return "clean" if step == 0 else f"severity {step}"
