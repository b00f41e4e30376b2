"""Scores at each strength of a condition, in the place of a mean where a mean over strengths says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record, RunKey
from mmfan.evaluation.summary.family import scores_of_family

Strength = int | float


@dataclass(frozen=True)
class Strengths:
    """One model under the strengths of one condition; scores are fractions.

    Attributes:
        name: The model.
        protocol: The name of the protocol, which is of one family.
        kind: The kind of the condition.
        metric: Which metric.
        clean: The score of the reference; None if a partial summary has none.
        scores: Type -> strength, rising -> score.
        run: Which run the records are of.
    """

    name: str
    protocol: str
    kind: str
    metric: str
    clean: float | None
    scores: dict[str, dict[Strength, float]]
    run: RunKey

    @property
    def halves(self) -> dict[str, float | None]:
        """Type -> the strength at half of the clean score; see :func:`half_strength`."""
        return {name: half_strength(self.clean, row) for name, row in self.scores.items()}

    def __str__(self) -> str:
        rows = (
            f"{name} {', '.join(f'{100 * score:.2f} % at {at}' for at, score in row.items())}"
            for name, row in self.scores.items()
        )
        return "; ".join(rows)

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        return {
            "name": self.name,
            "protocol": self.protocol,
            "kind": self.kind,
            "metric": self.metric,
            "clean": self.clean,
            "scores": {name: {str(at): score for at, score in row.items()} for name, row in self.scores.items()},
            "half_strength": self.halves,
            "run": self.run._asdict(),
        }


def half_strength(clean: float | None, scores: Mapping[Strength, float]) -> float | None:
    """The strength at which half of the clean score is left, linearly between strengths, from 0 (clean) on.

    Args:
        clean: The score at strength 0.
        scores: Strength -> score.

    Returns:
        The least such strength; None where the score stays above the half, or there is no clean score above 0.

    >>> half_strength(0.8, {1: 0.6, 2: 0.2}), half_strength(0.8, {1: 0.6})
    (1.5, None)
    """
    if not clean:
        return None
    half, before, score_before = clean / 2, 0.0, clean
    for strength, score in sorted(scores.items()):
        if score <= half:
            return before + (strength - before) * (score_before - half) / (score_before - score)
        before, score_before = strength, score
    return None


def summarize_strengths(
    records: Iterable[Record],
    protocol: str | Mapping[str, Any] | Protocol,
    metric: str = "mIoU",
    *,
    partial: bool = False,
) -> Strengths:
    """Summarise the records of one run under the strengths of a condition.

    Args:
        records: As in :func:`mmfan.evaluation.summary.summary.summarize`.
        protocol: Of one family.
        metric: A metric of the records.
        partial: Take what is there even if cells are missing.

    Raises:
        SummaryError: As there; cells are missing, above all, or the protocol is of several families.
    """
    wanted, run, _, clean, scores = scores_of_family(records, protocol, metric, partial)
    rows: dict[str, dict[Strength, float]] = {}
    for cell in sorted(scores, key=lambda cell: cell.severity):
        rows.setdefault(cell.corruption, {})[cell.severity] = scores[cell]
    return Strengths(run.model, wanted.name, wanted.kind.name, metric, clean, rows, run)
