"""Scores of one family of cells: what summaries begin with that take no mean over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol, get_protocol
from mmfan.evaluation.results.store import Record, RunKey
from mmfan.evaluation.summary.selection import SummaryError, select
from mmfan.evaluation.summary.truth import values_of


class FamilyScores(NamedTuple):
    """What one run scores under the cells of a family.

    Attributes:
        protocol: The family.
        run: The run.
        records: Cell -> its record.
        clean: The score of the reference; None if it was not judged.
        scores: Cell -> score, a fraction, in the order of the protocol, without the reference.
    """

    protocol: Protocol
    run: RunKey
    records: dict[Cell, Record]
    clean: float | None
    scores: dict[Cell, float]


def scores_of_family(
    records: Iterable[Record], protocol: str | Mapping[str, Any] | Protocol, metric: str, partial: bool
) -> FamilyScores:
    """Take the scores of a family from the records of one run.

    Args:
        records: As in :func:`mmfan.evaluation.summary.summary.summarize`.
        protocol: Of one family.
        metric: A metric of the records.
        partial: Take what is there even if cells are missing.

    Raises:
        SummaryError: As there; cells are missing, above all, or the protocol is of several families.
    """
    wanted = get_protocol(protocol)
    run, chosen, _ = select(records, wanted, partial=partial)
    scores, _ = values_of(chosen, metric)
    clean = scores.pop(wanted.reference, None)
    if not scores:
        raise SummaryError(f"There are no scores of {wanted.name!r}.")
    return FamilyScores(wanted, run, chosen, clean, scores)
