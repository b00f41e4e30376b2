"""Means of scores, in the order of a protocol: over the severities of a type, then over the types."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.summary.selection import SummaryError


class Averages(NamedTuple):
    """Means of the scores of types.

    Attributes:
        over_types: The plain mean over the types.
        over_groups: The mean of the group means; None if there are no groups.
        by_group: The mean of each group.
    """

    over_types: float
    over_groups: float | None
    by_group: dict[str, float]


def average_types(by_corruption: Mapping[str, float], groups: Mapping[str, Iterable[str]]) -> Averages:
    """Average the scores of types.

    Args:
        by_corruption: Type -> score, in any unit; at least one.
        groups: Group -> its types. Types without a score are passed over; a group without any is left out.

    Raises:
        SummaryError: There are no scores.

    >>> average_types({"fog": 0.5, "snow": 0.3, "contrast": 0.1}, {"weather": ["fog", "snow"], "digital": ["contrast"]})
    Averages(over_types=0.3, over_groups=0.25, by_group={'weather': 0.4, 'digital': 0.1})
    """
    if not by_corruption:
        raise SummaryError("There are no scores of corruption types to average.")
    members = {
        group: [by_corruption[name] for name in names if name in by_corruption] for group, names in groups.items()
    }
    by_group = {group: mean(scores) for group, scores in members.items() if scores}
    return Averages(mean(by_corruption.values()), mean(by_group.values()) if by_group else None, by_group)


def average_cells(scores: Mapping[Cell, float], protocol: Protocol) -> Averages:
    """Average the scores of cells in the protocol's order: over the severities of a type, then over the types.

    Args:
        scores: Cell -> score; the clean cell is passed over.
        protocol: Where the groups come from.

    Raises:
        SummaryError: There are no scores.
    """
    rows: dict[str, list[float]] = {}
    for cell, score in scores.items():
        if cell != protocol.reference:
            rows.setdefault(cell.corruption, []).append(score)
    return average_types({name: mean(row) for name, row in rows.items()}, protocol.groups)


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean of at least one number, summed without rounding on the way."""
    listed = list(values)
    return math.fsum(listed) / len(listed)
