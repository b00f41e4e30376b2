"""Heat maps of a page: every cell of every model, shaded over the range that is there."""

from __future__ import annotations

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.page.markup import Markup, element
from mmfan.evaluation.report.page.numbers import SHADES, span
from mmfan.evaluation.report.page.plots import label_of
from mmfan.evaluation.report.page.tables import html_table
from mmfan.evaluation.report.page.who import Who
from mmfan.evaluation.report.tables.tables import cells_of
from mmfan.utils.tables import Table
from mmfan.utils.text import spoken


def heat_maps(report: Report, who: Who) -> Markup:
    """A table a model, types down and severities across; one range of shades for all of them."""
    tables = [cells_of(report, model) for model in report.models]
    ends = span(text for table in tables for row in table.rows for text in row[1:]) or (0.0, 0.0)
    maps = [
        element(
            "figure",
            element("figcaption", element("h3", label_of(who, at))),
            html_table(table, who, ends=ends, marked=_worst(table, model)),
            data_model=at,
        )
        for at, (table, model) in enumerate(zip(tables, report.models, strict=True))
    ]
    return element(
        "section",
        element("h2", "Every cell"),
        element(
            "p",
            f"{report.metric} in % of each type and severity; the worst cell of a model has a frame.",
            class_="lead",
        ),
        _legend(ends, report.metric),
        element("div", *maps, class_="maps"),
        id="cells",
    )


def _worst(table: Table, model: ModelReport) -> list[tuple[int, int]]:
    worst = model.summary.worst
    rows = [at for at, row in enumerate(table.rows) if row[0] == spoken(worst.corruption)]
    columns = [at for at, head in enumerate(table.head) if at and head == str(worst.severity)]
    return [(row, column) for row in rows for column in columns]


def _legend(ends: tuple[float, float], metric: str) -> Markup:
    """The shades, each with the lowest number that has it."""
    low, high = ends
    bounds = [low + (high - low) * step / SHADES for step in range(SHADES)] if high > low else [low]
    shown = range(SHADES) if high > low else [SHADES // 2]
    steps = [element("li", f"{bound:.1f}", class_=f"heat-{at}") for at, bound in zip(shown, bounds, strict=True)]
    label = f"Shades of the heat maps, from {low:.1f} to {high:.1f} % {metric}; each number is the lowest of its shade"
    return element("ul", *steps, element("li", f"to {high:.1f} %"), class_="shades", aria_label=label)
