"""Curves of a page over the strength of a condition, as SVG: one drawing a type, with the half of the clean score."""

from __future__ import annotations

from collections.abc import Mapping

from mmfan.evaluation.report.contents import Section
from mmfan.evaluation.report.page.markup import Markup, element
from mmfan.evaluation.report.page.plots import MARKERS
from mmfan.evaluation.report.page.who import colour
from mmfan.evaluation.report.tables.words import percent
from mmfan.evaluation.summary.strengths import Strengths
from mmfan.utils.text import spoken

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 330, 190, 30, 12, 8, 32


class _Axes:
    """Strengths across, from 0 for clean; scores up to the highest."""

    def __init__(self, lines: Mapping[int, Mapping[float, float]]) -> None:
        self.steps = sorted({step for line in lines.values() for step in line})
        self.top = max(0.01, *(score for line in lines.values() for score in line.values()))

    def across(self, step: float) -> str:
        return f"{LEFT + (WIDE - LEFT - RIGHT) * step / (self.steps[-1] or 1):.1f}"

    def down(self, score: float, by: float = 0) -> str:
        return f"{HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * score / self.top + by:.1f}"


def strength_curves(section: Section, place_of: Mapping[str, int]) -> Markup | None:
    """The curves of a family without means; None for one that has means.

    Args:
        section: Of the family.
        place_of: Name of a model -> its place, which gives its colour and marker.
    """
    names = dict.fromkeys(name for one in section.curves for name in one.scores)
    if not names:
        return None
    return element("div", *(_drawing(section, name, place_of) for name in names), class_="curves")


def _drawing(section: Section, name: str, place_of: Mapping[str, int]) -> Markup:
    lines = {at: _points(one, name) for at, one in enumerate(section.curves) if one.scores.get(name)}
    axes, what = _Axes(lines), section.protocol.kind.strength or "strength"
    drawn = _grid(axes, what)
    told = []
    for at, line in lines.items():
        one = section.curves[at]
        place, half = place_of.get(one.name, at), one.halves.get(name)
        dots = [_dot(place, axes, step, score, one.name) for step, score in line.items()]
        path = "".join(
            f"{'M' if number == 0 else 'L'}{axes.across(step)},{axes.down(score)}"
            for number, (step, score) in enumerate(line.items())
        )
        reached = "half of the clean score not reached" if one.clean else "no clean score to hold it against"
        if half is not None and one.clean:
            reached = f"half of the clean score at {half:.2f}"
            dots.append(_cross(axes.across(half), axes.down(one.clean / 2), f"{one.name}: {reached}"))
        told.append(f"{one.name} {', '.join(f'{step:g}: {percent(score)}' for step, score in line.items())}; {reached}")
        curve = element("path", d=path, class_="curve")
        drawn.append(element("g", curve, *dots, class_=colour(place), data_model=place))
    about = f"Curves of {section.curves[0].metric} in % over the {what} of {spoken(name)}. {'; '.join(told)}"
    return element(
        "figure",
        element("figcaption", element("h4", spoken(name))),
        element("svg", *drawn, viewBox=f"0 0 {WIDE} {HIGH}", role="img", aria_label=about),
    )


def _points(one: Strengths, name: str) -> dict[float, float]:
    clean: dict[float, float] = {} if one.clean is None else {0: one.clean}
    return clean | dict(sorted(one.scores[name].items()))


def _grid(axes: _Axes, what: str) -> list[Markup]:
    drawn = []
    for part in range(5):
        score = axes.top * part / 4
        height = axes.down(score)
        drawn.append(element("line", x1=LEFT, x2=WIDE - RIGHT, y1=height, y2=height, class_="grid"))
        drawn.append(
            element("text", f"{round(100 * score, 1):g}", x=LEFT - 5, y=axes.down(score, 3.5), class_="tick end")
        )
    for step in axes.steps:
        drawn.append(element("text", f"{step:g}", x=axes.across(step), y=HIGH - BOTTOM + 13, class_="tick middle"))
    drawn.append(element("text", what, x=axes.across(axes.steps[-1] / 2), y=HIGH - 5, class_="tick middle"))
    return drawn


def _dot(at: int, axes: _Axes, step: float, score: float, name: str) -> Markup:
    return element(
        "g",
        element("title", f"{name}, {step:g}: {percent(score)} %"),
        element("circle", r=9, class_="reach"),
        element("path", d=MARKERS[at % len(MARKERS)], class_="dot"),
        transform=f"translate({axes.across(step)},{axes.down(score)})",
        class_="hint",
        data_step=f"{step:g}",
    )


def _cross(across: str, down: str, hint: str) -> Markup:
    return element(
        "g",
        element("title", hint),
        element("circle", r=9, class_="reach"),
        element("path", d="M-4,-4L4,4M-4,4L4,-4", class_="curve"),
        transform=f"translate({across},{down})",
        class_="hint",
    )
