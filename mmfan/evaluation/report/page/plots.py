"""Bars of a page, as SVG: retention by corruption; and the signs by which a model is known in all plots."""

from __future__ import annotations

from collections.abc import Sequence

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.page.markup import Markup, element
from mmfan.evaluation.report.page.who import Who, colour
from mmfan.evaluation.report.tables.words import percent
from mmfan.evaluation.results.store import is_defined
from mmfan.utils.text import spoken

# Bars: heights in pixels; widths in percent of what there is, so that letters keep their size on any screen.
BAR, BETWEEN, NAME = 13, 10, 17
LONGEST = 82.0  # percent of the width that the longest bar takes; its number stands behind it
MARKERS = (  # a circle, a square, a triangle, a diamond
    "M-3.2,0a3.2,3.2 0 1,0 6.4,0a3.2,3.2 0 1,0 -6.4,0",
    "M-3,-3h6v6h-6z",
    "M0,-4l4,7h-8z",
    "M0,-4.4l4.4,4.4l-4.4,4.4l-4.4,-4.4z",
)


def label_of(who: Who, at: int) -> Markup:
    """The name of a model behind its line and marker, as in a legend."""
    line = element("path", d="M0,6h22", class_="curve")
    dot = element("path", d=MARKERS[at % len(MARKERS)], transform="translate(11,6)", class_="dot")
    sign = element("svg", line, dot, viewBox="0 0 22 12", class_=f"sign {colour(at)}", aria_hidden="true")
    return element("span", sign, " ", who.title(at), class_="who")


def legend(who: Who) -> Markup:
    """Which line is whose."""
    return element("ul", *(element("li", label_of(who, at), data_model=at) for at in range(who.own)), class_="legend")


def bars(report: Report) -> Markup | None:
    """Retention by corruption, a drawing for each group; None where no model has a clean score."""
    models = [(at, model) for at, model in enumerate(report.models) if model.summary.clean]
    if not models:
        return None
    kept = [share for _, model in models for share in model.summary.retention_by_corruption.values()]
    scale = LONGEST / max(1.0, *kept)
    groups = report.protocol.groups or {"": report.protocol.corruptions}
    return element("div", *(_group(group, names, models, scale) for group, names in groups.items()), class_="bars")


def _group(group: str, names: Sequence[str], models: Sequence[tuple[int, ModelReport]], scale: float) -> Markup:
    rows = [(spoken(name), [model.summary.retention_by_corruption.get(name) for _, model in models]) for name in names]
    if group and len(names) > 1:
        means = [_ratio(model.summary.by_group.get(group), model.summary.clean) for _, model in models]
        rows.append((f"mean of {group}", means))
    row_height = NAME + BAR * len(models) + BETWEEN
    height, edge = len(rows) * row_height, f"{scale:.2f}%"
    drawn = [element("line", x1=edge, x2=edge, y1=0, y2=height, class_="whole")]
    for place, (name, values) in enumerate(rows):
        top = place * row_height
        last = group and len(names) > 1 and place == len(names)
        drawn.append(element("text", name, x=0, y=top + NAME - 4, class_="sum" if last else None))
        for line, ((at, model), value) in enumerate(zip(models, values, strict=True)):
            drawn.append(_bar(value, scale, top + NAME + line * BAR, at, f"{model.name}, {name}"))
    told = "; ".join(
        f"{name}: {', '.join(f'{model.name} {percent(v)}' for (_, model), v in zip(models, values, strict=True))}"
        for name, values in rows
    )
    about = f"Bars of the retention in % on {group or 'all types'}. {told}"
    return element(
        "figure",
        element("figcaption", element("h4", group or "all types")),
        element("svg", *drawn, width="100%", height=height, role="img", aria_label=about),
    )


def _bar(value: float | None, scale: float, top: int, at: int, what: str) -> Markup:
    wide = f"{scale * max(0.0, value or 0.0):.2f}%"
    hint = element("title", f"{what}: retention {percent(value)} %")
    return element(
        "g",
        hint,
        element("rect", x=0, y=top, width=wide, height=BAR - 3, rx=1),
        element("text", percent(value), x=wide, dx=4, y=top + BAR - 4, class_="value"),
        class_=f"bar hint {colour(at)}",
        data_model=at,
    )


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if is_defined(part) and whole else None
