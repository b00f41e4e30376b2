"""Scores that the loop returns: means and retention over the records of a finished run."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record, is_defined, key_of
from mmfan.evaluation.summary.direction import LESS_IS_BETTER, errors_among, less_is_better
from mmfan.evaluation.summary.summary import summarize


def fractions_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """The scores that a record is made of; told after the first cell and not after the last.

    Errors, of which less is better, are left out where there are other scores.

    Raises:
        MMFanError: There are none, or some are no fractions.
    """
    errors = errors_among(metrics)
    kept = {name: value for name, value in metrics.items() if name not in errors}
    if errors and not kept:
        raise MMFanError(
            f"Expected scores, got {', '.join(errors)} alone: {LESS_IS_BETTER}. Give the evaluator a metric with "
            "fractions of which more is better."
        )
    wrong = {name: value for name, value in kept.items() if is_defined(value) and not 0 <= value <= 1}
    if not kept:
        raise MMFanError(
            "Expected the metric to give scores, got none. mmdetection's metrics of COCO's kind have none where "
            "nothing was detected: take its CocoMetric, which then has the score 0."
        )
    if wrong:
        raise MMFanError(
            f"Expected the metric to give fractions from 0 to 1, got {wrong}. If it gives percentages, set "
            "dict(type='mmfan.RetentionEvaluator', metric=..., scale=0.01). Errors, of which less is better, are no "
            "scores to judge by: leave their metric out."
        )
    return kept


class Outcome(dict[str, float]):
    """The scores of a run by name.

    A score that has no number, as early in a training, is not among them, and is NaN where somebody asks for it by its
    name: mmengine's hook that keeps the best checkpoint then waits for a number, and would fail otherwise.

    Attributes:
        open: Names without a number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open: set[str] = set()

    def __missing__(self, name: str) -> float:
        if name in self.open:
            return math.nan
        raise KeyError(name)


def conclude(records: Sequence[Record], protocol: Protocol, logger: logging.Logger) -> Outcome:
    """The scores of a run over a protocol; of one with several families those of the first.

    Scores of the others have the family before their names, with a slash; those of kinds that are not averaged the
    cell. See :func:`scores_of_family`.
    """
    cells = {key_of(record)[1]: record for record in records}
    found = Outcome()
    for at, family in enumerate(protocol.families):
        own = [cells[cell] for cell in (family.reference, *family.cells)]
        scores = scores_of_family(own, family, logger) if family.kind.averaged else _each(cells, family)
        before = f"{family.name}/" if at else ""
        found |= {f"{before}{name}": value for name, value in scores.items()}
        found.open |= {f"{before}{name}" for name in scores.open}
    return found


def _each(records: Mapping[Cell, Record], family: Protocol) -> Outcome:
    """The scores of the reference and of each cell by itself."""
    named = {"clean": records[family.reference], **{str(cell): records[cell] for cell in family.cells}}
    found = Outcome()
    for what, record in named.items():
        for name, value in record["metrics"].items():
            if is_defined(value):
                found[f"{what}/{name}"] = value
            else:
                found.open.add(f"{what}/{name}")
    return found


def scores_of_family(records: Sequence[Record], protocol: Protocol, logger: logging.Logger) -> Outcome:
    """The scores of a run over cells that are averaged.

    A score that is not defined in some cell (the AP of small objects where there are none) is left out. Where a clean
    score is 0, as it may be early in a training, there is no retention. Errors, of which less is better, are no scores:
    records that are older than their refusal may have some.

    Args:
        records: Of all cells of the protocol and the clean one.
        protocol: How they are averaged.
        logger: Told what was left out.

    Returns:
        ``clean/S``, ``corrupted/S`` and, where it is defined, ``retention/S`` for each score S.
    """
    clean = next(record for record in records if key_of(record)[1] == protocol.reference)
    found = Outcome()
    nothing = []
    for name, value in clean["metrics"].items():
        if less_is_better(name):
            continue
        scores = [record["metrics"].get(name) for record in records]
        undefined = sum(not is_defined(score) for score in scores)
        found.open |= {f"{part}/{name}" for part in ("clean", "corrupted", "retention")}
        if undefined:
            level = logging.WARNING if is_defined(value) else logging.INFO
            logger.log(level, f"{name} is not defined in {undefined} of {len(scores)} cells and is left out.")
            continue
        found[f"clean/{name}"] = value
        if value == 0:
            nothing.append(name)
            corrupted = [record for record in records if record is not clean]
            found[f"corrupted/{name}"] = summarize(corrupted, protocol, name, partial=True).corrupted
            continue
        summary = summarize(records, protocol, name)
        found[f"clean/{name}"] = value if summary.clean is None else summary.clean
        found[f"corrupted/{name}"] = summary.corrupted
        if summary.retention is not None:
            found[f"retention/{name}"] = summary.retention
    found.open -= found.keys()
    if nothing:
        logger.warning(f"Without a retention, as the clean pictures have the score 0: {', '.join(nothing)}.")
    return found
