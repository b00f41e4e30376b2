"""Worst cases: the lowest score, over cells, over types, and over the types at one severity.

SemSegBench and DetecBench (Agnihotri et al., 2025, arXiv 2505.18015) call the lowest score over the corruptions at one
severity GAM (generalization ability measure), and the lowest over the attacks of one budget ReM (reliability measure):
:func:`lowest` of the one or the other. Their lists are those of protocol ``ssb15_s3``; a minimum over another list is
another number, and one over more types can only be lower.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from mmfan.evaluation.summary.selection import SummaryError

Level = TypeVar("Level", int, float)  # a severity, or the radius of an attack


class WorstType(NamedTuple):
    """The type with the lowest score."""

    corruption: str
    score: float


def lowest(scores: Mapping[str, float]) -> WorstType:
    """The lowest of the scores of types, or of attacks; of equal ones the first.

    Raises:
        SummaryError: There are none.

    >>> lowest({"fog": 0.5, "snow": 0.3, "frost": 0.3})
    WorstType(corruption='snow', score=0.3)
    """
    if not scores:
        raise SummaryError("There are no scores to take the lowest of.")
    name = min(scores, key=lambda kind: scores[kind])
    return WorstType(name, scores[name])


def lowest_by_severity(scores: Mapping[str, Mapping[Level, float]]) -> dict[Level, WorstType]:
    """The lowest score at each severity, over the types that have it: GAM where these are the 15 of ``ssb15_s3``.

    Args:
        scores: Type, or attack -> severity, or radius -> score.

    >>> lowest_by_severity({"fog": {1: 0.6, 2: 0.2}, "noise": {1: 0.4}})
    {1: WorstType(corruption='noise', score=0.4), 2: WorstType(corruption='fog', score=0.2)}
    """
    severities = sorted({severity for row in scores.values() for severity in row})
    return {at: lowest({name: row[at] for name, row in scores.items() if at in row}) for at in severities}
