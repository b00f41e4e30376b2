"""Tables of a page: captions, scopes, whose row and column it is, numbers to sort by."""

from __future__ import annotations

from collections.abc import Sequence

from mmfan.evaluation.report.page.markup import Markup, element, joined
from mmfan.evaluation.report.page.numbers import number_of, shade
from mmfan.evaluation.report.page.who import Who
from mmfan.evaluation.report.tables.words import sentence
from mmfan.utils.tables import Table, best_cells

MODEL = "model"  # at the head of the first column of tables with a row a model
METRIC = "metric"  # at the head of the second where there is one a metric, too
# Rows that sum up others stand at the ends of their table, however it is sorted.
_SUMS = {"corruption": ("clean",), "severity": ("clean", "drop a step")}


def section(table: Table, who: Who, name: str) -> Markup:
    """One table under its own heading, which a link can lead to."""
    return element("section", element("h2", table.title), html_table(table, who), id=name)


def html_table(
    table: Table, who: Who, *, ends: tuple[float, float] | None = None, marked: Sequence[tuple[int, int]] = ()
) -> Markup:
    """One table in a box of its own, which scrolls where the table is wider than the page.

    Args:
        table: What to show.
        who: The models, whose rows and columns can be switched off.
        ends: Shade every number by its place between these.
        marked: Cells (row, column) to draw a frame around.
    """
    by_row = table.head[0] == MODEL
    owners = [None if by_row or not place else who.of_column(head) for place, head in enumerate(table.head)]
    parts = [_part(head, by_row, who) if place else None for place, head in enumerate(table.head)]
    kinds = ["text" if place < table.texts else "number" for place in range(len(table.head))]
    heads = [
        element("th", element("span", head), scope="col", class_=kind, data_model=owner, data_part=part)
        for head, kind, owner, part in zip(table.head, kinds, owners, parts, strict=True)
    ]
    best = best_cells(table)
    rows = []
    for number, row in enumerate(table.rows):
        cells = [element("th", element("span", row[0]), scope="row", class_="text")]
        for place, text in enumerate(row[1:], 1):
            at = (number, place)
            look = [kinds[place], shade(text, ends), "marked" if at in marked else "best" if at in best else None]
            cells.append(
                element(
                    "td", text, class_=" ".join(filter(None, look)), data_model=owners[place], data_part=parts[place],
                    data_value=number_of(text) if kinds[place] == "number" else None,
                )
            )  # fmt: skip
        look = [
            "section" if number and number in table.sections else None,
            "sum" if _is_sum(row[0], table) else None,
        ]
        owner = who.of_row(row[0]) if by_row else None
        metric = row[1] if table.head[1] == METRIC else None
        rows.append(
            element("tr", *cells, class_=" ".join(filter(None, look)) or None, data_model=owner, data_part=metric)
        )
    content = (
        element("caption", element("span", sentence(table.caption) + (" The best is bold." if best else ""))),
        element("thead", element("tr", *heads)),
        element("tbody", joined(*rows)),
    )
    label = f"Table: {table.title}"
    return element(
        "div", element("table", *content, class_="heat" if ends else None), class_="scroll", tabindex=0, role="region",
        aria_label=label,
    )  # fmt: skip


def _is_sum(first: str, table: Table) -> bool:
    return table.head[0] != MODEL and (first.startswith("mean of ") or first in _SUMS.get(table.head[0], ()))


def _part(head: str, by_row: bool, who: Who) -> str | None:
    """Which of the numbers a column has: all of its head, or what follows the model's name."""
    if by_row:
        return head.partition(": ")[0]
    owner = who.of_column(head)
    if owner is None:
        return None
    return head[len(who.short[owner]) + 2 :] or None
