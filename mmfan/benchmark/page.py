"""The result of a benchmark, as markdown that reads well on a terminal too, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmfan.benchmark.machine import Machine
from mmfan.benchmark.timing import Spread
from mmfan.errors import MMFanError
from mmfan.utils.tables import Table, markdown_table


@dataclass(frozen=True)
class Page:
    """What one run of a benchmark says.

    Attributes:
        machine: Where it ran.
        notes: Sentences above the tables.
        tables: Rounded, for people.
        figures: Everything measured, unrounded, in seconds, bytes and operations.
    """

    machine: Machine
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    figures: Mapping[str, Any]

    def markdown(self) -> str:
        """The machine, the notes and the tables."""
        lines = [f"Machine: {self.machine}.", *self.notes]
        return "\n".join([*lines, *(f"\n{markdown_table(table)}" for table in self.tables)])

    def json(self) -> str:
        """The machine and the figures."""
        return json.dumps({"machine": self.machine, **self.figures}, indent=2, default=_plain)


def _plain(value: Any) -> Any:
    return list(value.values) if isinstance(value, Spread) else asdict(value)


def fill_marks(page: str, kind: str, name: str, content: str) -> str:
    """A page with a content between the marks ``<!-- KIND NAME -->`` and ``<!-- end NAME -->``; what was there goes.

    Raises:
        MMFanError: The page has no such marks.
    """
    begin, end = f"<!-- {kind} {name} -->\n", f"<!-- end {name} -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise MMFanError(f"Expected the marks {begin.strip()} and {end} in the page: none there.")
    return f"{before}{begin}\n{content}\n\n{end}{after}"
