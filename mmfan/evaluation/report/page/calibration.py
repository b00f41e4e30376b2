"""Plots of calibration on a page, as SVG: reliability of each model, and confidence against accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.page.markup import Markup, element, joined
from mmfan.evaluation.report.page.plots import MARKERS
from mmfan.evaluation.report.page.who import colour
from mmfan.evaluation.report.tables.calibration import things_of
from mmfan.evaluation.report.tables.words import percent
from mmfan.evaluation.results.store import is_defined
from mmfan.evaluation.summary.calibration import CalibrationSummary
from mmfan.utils.text import spoken

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 250, 236, 30, 10, 8, 32
Found = Sequence[tuple[int, ModelReport, CalibrationSummary]]


def calibration_plots(report: Report) -> Markup | None:
    """The plots, with a heading and what they show; None where no model was judged with calibration."""
    found = [(at, model, model.calibration) for at, model in enumerate(report.models) if model.calibration is not None]
    if not found:
        return None
    what = " and ".join(dict.fromkeys(things_of(model, summary) for _, model, summary in found))
    return joined(
        element("h3", "Loses accuracy, and knows it?"),
        element(
            "p",
            f"Mean confidence against the share of right {what}, in %: a point for each corruption, a large one for "
            "the clean pictures. On the line a model knows what it loses; above it, it does not.",
            class_="lead",
        ),
        element("div", _against(found), class_="curves"),
        element("h3", "Reliability"),
        element(
            "p",
            f"Share of right {what} against their confidence, in %: full lines are the clean pictures, broken ones all "
            "corrupted cells together. Below the line a model is too sure.",
            class_="lead",
        ),
        element("div", *(_reliability(at, model, summary) for at, model, summary in found), class_="curves"),
    )


def _across(value: float) -> str:
    return f"{LEFT + (WIDE - LEFT - RIGHT) * value:.1f}"


def _down(value: float, by: float = 0) -> str:
    return f"{HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * value + by:.1f}"


def _axes(across: str, upwards: str) -> list[Markup]:
    """Quarters with numbers in percent, the diagonal, and what stands on the axes."""
    drawn = []
    for part in (0, 0.25, 0.5, 0.75, 1):
        label = f"{100 * part:g}"
        drawn.append(element("line", x1=LEFT, x2=WIDE - RIGHT, y1=_down(part), y2=_down(part), class_="grid"))
        drawn.append(element("text", label, x=LEFT - 5, y=_down(part, 3.5), class_="tick end"))
        drawn.append(element("text", label, x=_across(part), y=HIGH - BOTTOM + 13, class_="tick middle"))
    drawn.append(element("line", x1=_across(0), x2=_across(1), y1=_down(0), y2=_down(1), class_="whole"))
    drawn.append(element("text", across, x=_across(0.5), y=HIGH - 5, class_="tick middle"))
    drawn.append(element("text", upwards, x=LEFT + 4, y=TOP + 10, class_="tick"))
    return drawn


def _dot(at: int, across: float, up: float, hint: str, size: float = 1) -> Markup:
    return element(
        "g",
        element("title", hint),
        element("circle", r=9, class_="reach"),
        element("path", d=MARKERS[at % len(MARKERS)], class_="dot", transform=f"scale({size:g})"),
        transform=f"translate({_across(across)},{_down(up)})",
        class_="hint",
    )


def _against(found: Found) -> Markup:
    drawn, told = _axes("right", "confidence"), []
    for at, model, summary in found:
        dots = []
        for name, scores, size in (
            *((spoken(name), scores, 1.0) for name, scores in summary.by_corruption.items()),
            ("clean", summary.clean, 1.9),
        ):
            right, sure = scores.get("accuracy"), scores.get("confidence")
            if is_defined(right) and is_defined(sure):
                hint = f"{model.name}, {name}: right {percent(right)} %, confidence {percent(sure)} %"
                told.append(hint)
                dots.append(_dot(at, right, sure, hint, size))
        drawn.append(element("g", *dots, class_=colour(at), data_model=at))
    about = f"Confidence against accuracy. {'; '.join(told)}"
    return element("figure", element("svg", *drawn, viewBox=f"0 0 {WIDE} {HIGH}", role="img", aria_label=about))


def _reliability(at: int, model: ModelReport, summary: CalibrationSummary) -> Markup:
    lines = (("clean", summary.reliability_clean, None), ("corrupted", summary.reliability_corrupted, "5 3"))
    drawn, told = _axes("confidence", "right"), []
    for what, table, dashes in lines:
        there = table[np.isfinite(table[:, 1])]
        told.append(f"{what} {', '.join(f'{percent(sure)} {percent(right)}' for _, sure, right in there)}")
        drawn.append(_line(at, f"{model.name}, {what}", there, dashes))
    return element(
        "figure",
        element("figcaption", element("h4", model.name)),
        element(
            "svg", *drawn, viewBox=f"0 0 {WIDE} {HIGH}", role="img",
            aria_label=f"Reliability of {model.name}: confidence and share of right ones in %. {'; '.join(told)}",
        ),
        data_model=at,
    )  # fmt: skip


def _line(at: int, what: str, table: NDArray[np.float64], dashes: str | None) -> Markup:
    path = "".join(
        f"{'L' if place else 'M'}{_across(sure)},{_down(right)}" for place, (_, sure, right) in enumerate(table)
    )
    dots = [
        _dot(
            at, sure, right,
            f"{what}: {percent(share)} % of them, confidence {percent(sure)} %, right {percent(right)} %",
            0.5 + share**0.5,
        )
        for share, sure, right in table
    ]  # fmt: skip
    return element("g", element("path", d=path, class_="curve", stroke_dasharray=dashes), *dots, class_=colour(at))
