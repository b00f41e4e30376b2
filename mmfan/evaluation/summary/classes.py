"""Scores and retention of each class, from the scores per class of the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol, get_protocol
from mmfan.evaluation.results.store import Record, is_defined
from mmfan.evaluation.summary.averages import average_cells
from mmfan.evaluation.summary.selection import SummaryError, per_class_of, select
from mmfan.evaluation.summary.truth import classes_of_all


class ClassScore(NamedTuple):
    """One class under a protocol; fractions, None where nothing is defined.

    Attributes:
        clean: On the clean pictures.
        corrupted: Mean over severities, then over types; None if the class is not defined in one of the cells, because
            the mean would be over other cells than that of the other classes.
        retention: ``corrupted / clean``; None if the clean score is 0 too.
    """

    clean: float | None
    corrupted: float | None
    retention: float | None


def summarize_classes(
    records: Iterable[Record],
    protocol: str | Mapping[str, Any] | Protocol,
    metric: str = "IoU",
    *,
    partial: bool = False,
) -> dict[str, ClassScore]:
    """Summarise the scores per class of the records of one run.

    Args:
        records: As in :func:`mmfan.evaluation.summary.summary.summarize`; their ``per_class`` is
            ``{metric: {class: score or None}}``.
        protocol: As there.
        metric: A metric of ``per_class``.
        partial: As there.

    Returns:
        Class -> its scores, in the order of the first record; None throughout for a class that no label holds.

    Raises:
        mmfan.evaluation.summary.selection.SummaryError: As there; or a record has no scores per class of this metric.
    """
    wanted = get_protocol(protocol)
    chosen = select(records, wanted, partial=partial).records
    tables = {cell: _scores_in(cell, record, metric) for cell, record in chosen.items()}
    truth = classes_of_all(chosen, f"m{metric}")
    if truth is not None:  # a class that no label holds has no score, however often it is predicted
        tables = {
            cell: {name: table[name] if name in truth.held else None for name in table}
            for cell, table in tables.items()
        }
    classes = dict.fromkeys(name for table in tables.values() for name in table)
    return {name: _class_score({cell: table.get(name) for cell, table in tables.items()}, wanted) for name in classes}


def _scores_in(cell: Cell, record: Record, metric: str) -> dict[str, float | None]:
    per_class = per_class_of(record)
    if metric not in per_class:
        there = f"it has {', '.join(per_class) or 'none'}"
        raise SummaryError(f"The record of {cell} has no scores per class of {metric!r}: {there}.", [cell])
    return per_class[metric]


def _class_score(scores: Mapping[Cell, float | None], protocol: Protocol) -> ClassScore:
    defined = {cell: float(score) for cell, score in scores.items() if is_defined(score)}
    clean = defined.get(protocol.reference)
    if len(defined) < len(scores):
        return ClassScore(clean, None, None)
    corrupted = average_cells(defined, protocol).over_types
    return ClassScore(clean, corrupted, corrupted / clean if clean else None)
