"""Tables as text: a small table, and its markdown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        title: What it shows.
        caption: Metric and unit, protocol, number of cells, and over what was averaged.
        head: Names of the columns.
        rows: Cells as text, as many in each row as columns.
        texts: How many columns from the left are words; the others are numbers, to be set right.
        sections: Rows before which a new part begins.
    """

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    sections: tuple[int, ...] = ()


def markdown_table(table: Table) -> str:
    """One table, its columns aligned; numbers to the right."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in (table.head, *table.rows)]
    widths = [max(3, *(len(row[place]) for row in rows)) for place in range(len(table.head))]
    rule = ["-" * width if place < table.texts else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        cells = (
            cell.ljust(width) if place < table.texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
