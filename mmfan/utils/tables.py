"""Tables as text: a small table, and its markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmfan.utils.text import one_line


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

    def __post_init__(self) -> None:
        # names come from files that others may have written: every cell is one line that steers no terminal
        for name in ("title", "caption"):
            object.__setattr__(self, name, one_line(getattr(self, name), 100_000))
        object.__setattr__(self, "head", tuple(map(one_line, self.head)))
        object.__setattr__(self, "rows", tuple(tuple(map(one_line, row)) for row in self.rows))


def markdown_text(text: str) -> str:
    r"""A line of text as it stands in markdown: without tags, links, code, emphasis, or the end of a table's cell.

    >>> print(markdown_text("fan_t: 50 % [1]"), markdown_text("<b>|[x](y)"))
    fan_t: 50 % [1] \<b>\|[x\](y)
    """
    text = re.sub(r"\\(?=[!-/:-@\[-`{-~])", r"\\\\", text)
    return re.sub(r"[`<*|]|~(?=~)|\](?=[(\[])|&(?=#?\w+;)", r"\\\g<0>", text)


def markdown_line(text: str) -> str:
    r"""The same at the begin of a line, where headings, quotes, lists and definitions of links may begin.

    >>> print(markdown_line("# a"), markdown_line("1. a"), markdown_line("[a]: b"))
    \# a 1\. a \[a]: b
    """
    return re.sub(r"\A(?:(\d+)(?=[.)])|(?=[#>+=-]|\[.*\]:))", r"\1\\", markdown_text(text))


def markdown_table(table: Table) -> str:
    """One table, its columns aligned; numbers to the right."""
    rows = [[markdown_text(cell) for cell in row] for row in (table.head, *table.rows)]
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
