"""The result of a benchmark, as markdown that reads well on a terminal too, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmfan.benchmark.machine import Machine
from mmfan.benchmark.timing import Spread
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
