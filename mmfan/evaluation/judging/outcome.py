"""Scores that the loop returns: means and retention over the records of a finished run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record, is_defined, key_of
from mmfan.evaluation.summary.summary import summarize


def check_fractions(metrics: Mapping[str, float]) -> None:
    """See that scores are fractions, after the first cell and not after the last.

    Raises:
        MMFanError: There are none, or some are not.
    """
    wrong = {name: value for name, value in metrics.items() if is_defined(value) and not 0 <= value <= 1}
    if not metrics or wrong:
        raise MMFanError(
            f"Expected the metric to give fractions from 0 to 1, got {wrong or 'no score at all'}. If it gives "
            "percentages, set dict(type='mmfan.RetentionEvaluator', metric=..., scale=0.01)."
        )


def conclude(records: Sequence[Record], protocol: Protocol, logger: logging.Logger) -> dict[str, float]:
    """The scores of a run over a protocol; of one with several families those of the first.

    Scores of the others have the family before their names, with a slash; those of kinds that are not averaged the
    cell. See :func:`scores_of_family`.
    """
    cells = {key_of(record)[1]: record for record in records}
    found: dict[str, float] = {}
    for at, family in enumerate(protocol.families):
        own = [cells[cell] for cell in (family.reference, *family.cells)]
        scores = scores_of_family(own, family, logger) if family.kind.averaged else _each(cells, family)
        found |= {f"{family.name}/{name}" if at else name: value for name, value in scores.items()}
    return found


def _each(records: Mapping[Cell, Record], family: Protocol) -> dict[str, float]:
    """The scores of the reference and of each cell by itself, those that are defined."""
    named = {"clean": records[family.reference], **{str(cell): records[cell] for cell in family.cells}}
    return {
        f"{what}/{name}": value
        for what, record in named.items()
        for name, value in record["metrics"].items()
        if is_defined(value)
    }


def scores_of_family(records: Sequence[Record], protocol: Protocol, logger: logging.Logger) -> dict[str, float]:
    """The scores of a run over cells that are averaged.

    A score that is not defined in some cell (the AP of small objects where there are none) is left out. Where a clean
    score is 0, as it may be early in a training, there is no retention.

    Args:
        records: Of all cells of the protocol and the clean one.
        protocol: How they are averaged.
        logger: Told what was left out.

    Returns:
        ``clean/S``, ``corrupted/S`` and, where it is defined, ``retention/S`` for each score S.
    """
    clean = next(record for record in records if key_of(record)[1] == protocol.reference)
    found: dict[str, float] = {}
    nothing = []
    for name, value in clean["metrics"].items():
        scores = [record["metrics"].get(name) for record in records]
        undefined = sum(not is_defined(score) for score in scores)
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
    if nothing:
        logger.warning(f"Without a retention, as the clean pictures have the score 0: {', '.join(nothing)}.")
    return found
