"""Flips of a run: the share of pixels that change class from one severity to the next, by type and overall."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mmfan.evaluation.metrics.flips import Flips
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record
from mmfan.evaluation.summary.averages import mean
from mmfan.evaluation.summary.selection import SummaryError, select
from mmfan.utils.text import counted


@dataclass(frozen=True)
class FlipSummary:
    """Flips of one model; shares are fractions.

    Attributes:
        steps: Type -> severity, rising -> share of pixels that have another class there than at the severity before.
        by_corruption: Type -> mean over its steps.
        overall: Mean over the types.
    """

    steps: dict[str, dict[int, float]]
    by_corruption: dict[str, float]
    overall: float

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        steps = {name: {str(at): share for at, share in row.items()} for name, row in self.steps.items()}
        return {"overall": self.overall, "by_corruption": self.by_corruption, "steps": steps}


def summarize_flips(records: Iterable[Record], protocol: Protocol) -> FlipSummary | None:
    """Summarise the flips in the records of one run.

    Args:
        records: Those of one run; cells that are not there are passed over, as in a partial summary.
        protocol: Which cells, and their types.

    Returns:
        None where no record has any.

    Raises:
        SummaryError: Some of the cells have none.
    """
    records = list(records)
    if not any(record.get("flips") for record in records):
        return None
    chosen = select(records, protocol, partial=True).records
    found = {
        cell: Flips(**record["flips"]).share
        for cell, record in chosen.items()
        if record.get("flips") and cell != protocol.reference
    }
    if not found:
        return None
    lacking = [cell for cell in chosen if cell not in found and cell != protocol.reference]
    if lacking:
        raise SummaryError(f"No flips of {counted(len(lacking), 'cell')}: judge all of them with it.", lacking)
    steps: dict[str, dict[int, float]] = {}
    for cell in sorted(found, key=lambda one: one.severity):
        steps.setdefault(cell.corruption, {})[cell.severity] = found[cell]
    by_corruption = {name: mean(steps[name].values()) for name in protocol.corruptions if name in steps}
    return FlipSummary(steps, by_corruption, mean(by_corruption.values()))
