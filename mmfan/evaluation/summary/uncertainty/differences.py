"""Differences of two models on the same pictures, with paired bootstrap intervals.

Both models are scored on the same draws of the pictures, and the differences of the draws are what the interval holds
the middle of (percentile bootstrap; the pairs as in Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 8). Pictures that are hard for one model are hard for the other: two intervals that overlap widely can belong to
models whose difference is sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.uncertainty.intervals import CONFIDENCE, Interval, Resampled, interval_of


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
    own: Resampled,
    reference: str,
    theirs: Resampled,
    metric: str = "mIoU",
    *,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Differences:
    """The differences of a model from a reference, by the same draws of the same pictures.

    Args:
        name: The model.
        own: Its scores in every draw, from :func:`mmfan.evaluation.summary.uncertainty.intervals.resample`, with
            ``pictures`` in the order of the reference's.
        reference: The model to compare with.
        theirs: Its scores in the same draws.
        metric: Which metric both are of.
        confidence: Which share of the differences an interval holds.
        seed: That both were drawn with.

    Raises:
        SummaryError: The two were not judged on the same pictures and labels, or not drawn in the same order.
    """
    if own.pictures != theirs.pictures or len(own.clean) != len(theirs.clean):
        raise SummaryError(
            f"Expected the same draws of the same pictures of {name} and {reference}, got {len(own.clean)} of "
            f"{len(own.truth)} pictures and {len(theirs.clean)} of {len(theirs.truth)}, or another order of them."
        )
    if own.truth.shape != theirs.truth.shape or (own.truth != theirs.truth).any():
        raise SummaryError(
            "Expected the same labels of the same pictures for both models, got others; or other classes."
        )

    def of(what: str) -> Difference:
        draws = getattr(own, what) - getattr(theirs, what)
        return Difference(own.whole[what] - theirs.whole[what], interval_of(confidence, draws))

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
