"""Tables as text: a small table, what is best in it, and its markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmfan.utils.text import one_line

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Rivals:
    """Which rows of a table compete in its columns, or which columns in its rows.

    Attributes:
        sets: Numbers of rows that can be compared with each other, or of columns, from 0 on.
        across: Columns compete in every row.
        only: The columns, by their heads, that there is a best of, or the rows, by their first cells; empty for all.
        lower: Those of them in which the lowest number is the best.
    """

    sets: tuple[tuple[int, ...], ...] = ()
    across: bool = False
    only: tuple[str, ...] = ()
    lower: tuple[str, ...] = ()


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
        rivals: What in it competes with what.
    """

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    sections: tuple[int, ...] = ()
    rivals: Rivals = Rivals()

    def __post_init__(self) -> None:
        # names come from files that others may have written: every cell is one line that steers no terminal
        for name in ("title", "caption"):
            object.__setattr__(self, name, one_line(getattr(self, name), 100_000))
        object.__setattr__(self, "head", tuple(map(one_line, self.head)))
        object.__setattr__(self, "rows", tuple(tuple(map(one_line, row)) for row in self.rows))


def best_cells(table: Table) -> set[tuple[int, int]]:
    """The cells (row, column) that hold the best number among their rivals; several where they print alike.

    Cells without a number do not compete; a number that stands alone is no best.

    >>> rows = (("a", "1.0", "3"), ("b", "1.0", "-"), ("c", "0.5", "2"))
    >>> table = Table("", "", ("model", "up", "down"), rows, rivals=Rivals(((0, 1, 2),), lower=("down",)))
    >>> sorted(best_cells(table))
    [(0, 1), (1, 1), (2, 2)]
    """
    rivals = table.rivals
    names = [row[0] for row in table.rows] if rivals.across else list(table.head)
    found: set[tuple[int, int]] = set()
    for places in rivals.sets:
        for line, name in enumerate(names):
            if (rivals.only and name not in rivals.only) or (line < table.texts and not rivals.across):
                continue
            cells = [(line, place) if rivals.across else (place, line) for place in places]
            numbers = {cell: float(said[0]) for cell in cells if (said := _NUMBER.match(table.rows[cell[0]][cell[1]]))}
            if len(numbers) > 1:
                best = min(numbers.values()) if name in rivals.lower else max(numbers.values())
                found |= {cell for cell, number in numbers.items() if number == best}
    return found


def markdown_text(text: str) -> str:
    r"""A line of text as it stands in markdown: without tags, links, code, emphasis, or the end of a table's cell.

    >>> print(markdown_text("fan_t: 50 % [1]"), markdown_text("<b>|[x](y)"), markdown_text("_fan_ a_b_c"))
    fan_t: 50 % [1] \<b>\|[x\](y) \_fan_ a_b_c
    """
    text = re.sub(r"\\(?=[!-/:-@\[-`{-~])", r"\\\\", text)
    text = re.sub(r"[`<*|]|~(?=.*~)|\](?=[(\[])|&(?=#?\w+;)", r"\\\g<0>", text)
    # emphasis can begin at underscores with no word before them; within a word they are what they are
    return re.sub(r"(?<!\w)_+(?=[^\s_].*_)", lambda found: found[0].replace("_", r"\_"), text)


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
