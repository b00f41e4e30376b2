"""Differences of two models on the same pictures, with paired bootstrap intervals.

Both models are scored on the same draws of the pictures, and the differences of the draws are what the interval holds
the middle of (percentile bootstrap; the pairs as in Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 8). Pictures that are hard for one model are hard for the other: two intervals that overlap widely can belong to
models whose difference is sure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial as bind
from typing import Any

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.summary.intervals import CONFIDENCE, CountsOfCell, Interval, Resampled, interval_of, resample
from mmfan.evaluation.summary.selection import SummaryError


@dataclass(frozen=True)
class Difference:
    """One number of a model minus that of the reference, in fractions.

    Attributes:
        value: Of all pictures.
        interval: Of the draws.
    """

    value: float
    interval: Interval


@dataclass(frozen=True)
class Differences:
    """A model minus the reference on the same pictures; above 0 the model is better.

    Attributes:
        name: The model.
        reference: What it is compared with.
        metric: Which metric.
        pictures: How many pictures were resampled.
        resamples: How many times.
        confidence: Which share of the resampled differences is within an interval.
        seed: Of the draws.
        clean: Of the clean scores.
        corrupted: Of the means over severities, then types.
        retention: Of the retentions.
    """

    name: str
    reference: str
    metric: str
    pictures: int
    resamples: int
    confidence: float
    seed: int
    clean: Difference
    corrupted: Difference
    retention: Difference

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        plain = dict(vars(self))
        for what in ("clean", "corrupted", "retention"):
            one: Difference = plain[what]
            plain[what] = {"value": one.value, "interval": list(one.interval)}
        return plain


def differences(
    name: str,
    counts: Mapping[Cell, CountsOfCell],
    reference: str,
    reference_counts: Mapping[Cell, CountsOfCell],
    protocol: Protocol,
    metric: str = "mIoU",
    *,
    resamples: int = 1000,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    drawn: Resampled | None = None,
) -> Differences:
    """The differences of a model from a reference, by the same draws of the same pictures.

    Args:
        name: The model.
        counts: Cell -> its counts per picture; the clean cell and all of the protocol.
        reference: The model to compare with.
        reference_counts: The same of it.
        protocol: Which cells.
        metric: ``mIoU``, ``mAcc`` or ``aAcc``.
        resamples: How many times the set is drawn.
        confidence: Which share of the differences an interval holds.
        seed: Of the draws.
        drawn: What :func:`resample` gives for the reference with these settings, where it is there already.

    Raises:
        MissingCellsError: Cells have no counts.
        SummaryError: The two were not judged on the same pictures, or as :func:`resample`.
    """
    theirs = drawn or resample(reference_counts, protocol, metric, resamples=resamples, seed=seed)
    own = resample(counts, protocol, metric, resamples=resamples, seed=seed, pictures=theirs.pictures)
    if own.truth.shape != theirs.truth.shape or (own.truth != theirs.truth).any():
        raise SummaryError(
            "Expected the same labels of the same pictures for both models, got others; or other classes."
        )

    def of(what: str) -> Difference:
        draws, value = (getattr(own, what) - getattr(theirs, what), own.whole[what] - theirs.whole[what])
        return Difference(float(value), between(draws))

    between = bind(interval_of, confidence)
    return Differences(
        name=name,
        reference=reference,
        metric=metric,
        pictures=len(theirs.truth),
        resamples=len(theirs.clean),
        confidence=confidence,
        seed=seed,
        clean=of("clean"),
        corrupted=of("corrupted"),
        retention=of("retention"),
    )
