"""Calibration: does a model know when it is wrong? Integer sums of its confidence, and the scores that they give.

Probabilities are held as whole numbers of :data:`ONE` parts, so that sums over pictures and processes are the same
whatever the order, to the last bit. The definitions, over all pixels (or boxes) of a set taken together:

* confidence is the highest probability of a pixel, right whether its class is the true one;
* ECE = sum over :data:`BINS` equal bins of the confidence of n_b / N * |right_b - confidence_b|, both means of the bin;
  bins are closed at the right: (0, 1/15], (1/15, 2/15], ... (Guo et al., arXiv 1706.04599);
* class-wise ECE: the same of each class' own probability at every pixel against whether it is the true class, averaged
  over the classes that the truth holds (Nixon et al., arXiv 1904.01685, who call it SCE);
* NLL = mean of -log(probability of the true class), natural, probabilities below :data:`LEAST` taken as that;
* Brier = mean over pixels of the sum over classes of (probability - truth)^2, from 0 to 2;
* AUROC: how surely confidence puts a right pixel before a wrong one; FPR95: the share of the wrong pixels that pass the
  threshold which 95 % of the right ones pass (Hendrycks and Gimpel, arXiv 1610.02136).

ECE, NLL, Brier and FPR95 are better when lower, AUROC when higher. There is no retention of any of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError

ONE = 1 << 22  # the probability 1: errors of rounding are 1.2e-7 a pixel, and 2^36 pixels fit a sum of 64 bits
BINS = 15
LEAST = 1e-12
# Doubt, 1 - confidence, in steps of 1/256 of itself, down to 1 / ONE: most pixels of a good model are surer than 0.99.
DOUBT_BITS = 8
DOUBTS = (22 << DOUBT_BITS) + 2
# Temperatures tried: eighths of an octave from 1/2 to 4; a step is 9 %.
TEMPERATURES = tuple(2.0 ** (step / 8) for step in range(-8, 17))
LATTICE = 4  # they are tried on every fourth pixel of every fourth row

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class CalibrationSums:
    """What the scores are made of; adds up over pictures and processes.

    Attributes:
        nll: Sum of -log(probability of the true class), in parts of :data:`ONE`; 0 for boxes.
        brier: Sum of the squared differences, in the same parts.
        bins: (BINS, 3): of each bin of the confidence the pixels, the sum of their confidence, and the right ones.
        classes: (classes, BINS, 3): the same of each class' own probability; (0, BINS, 3) for boxes.
        doubts: (DOUBTS, 2): right and wrong pixels by :func:`doubt_of` their confidence.
        tempered_nll: (temperatures,): ``nll`` at each of :data:`TEMPERATURES`, over the lattice of pixels.
        tempered: (temperatures, BINS, 3): ``bins`` at each of them; (0, BINS, 3) for boxes.
    """

    nll: int
    brier: int
    bins: Integers
    classes: Integers
    doubts: Integers
    tempered_nll: Integers
    tempered: Integers

    @classmethod
    def empty(cls, classes: int) -> CalibrationSums:
        """Nothing yet: of pixels of so many classes, or of boxes (0)."""
        tried = len(TEMPERATURES) if classes else 0
        shapes = ((BINS, 3), (classes, BINS, 3), (DOUBTS, 2), (tried,), (tried, BINS, 3))
        return cls(0, 0, *(np.zeros(shape, np.int64) for shape in shapes))

    @property
    def of_pixels(self) -> bool:
        """Whether they are of pixels, whose probabilities of all classes are known; else of boxes."""
        return len(self.classes) > 0

    @property
    def count(self) -> int:
        """How many pixels or boxes."""
        return int(self.bins[:, 0].sum())

    def plus(self, other: CalibrationSums) -> CalibrationSums:
        """The two taken together.

        Raises:
            MMFanError: They are of different numbers of classes.
        """
        if self.classes.shape != other.classes.shape:
            raise MMFanError(
                f"Sums of {len(self.classes)} and of {len(other.classes)} classes cannot be added: judge all pictures "
                "with the same classes."
            )
        return CalibrationSums(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    def scores(self) -> dict[str, float]:
        """The scores by name; NaN where there is nothing to score."""
        found = {"ECE": expected_error(self.bins)}
        if self.of_pixels:
            there = self.classes[..., 2].sum(axis=1) > 0
            each = [expected_error(one) for one in self.classes[there]]
            found |= {
                "classwise_ECE": float(np.mean(each)) if each else float("nan"),
                "NLL": _share(self.nll, ONE * self.count),
                "Brier": _share(self.brier, ONE * self.count),
            }
        auroc, fpr95, _ = ranking_scores(self.doubts)
        return {**found, "AUROC": auroc, "FPR95": fpr95}

    @property
    def accuracy(self) -> float:
        """Share of the pixels, or boxes, that are right."""
        return _share(int(self.bins[:, 2].sum()), self.count)

    @property
    def confidence(self) -> float:
        """Mean confidence."""
        return _share(int(self.bins[:, 1].sum()), ONE * self.count)

    @property
    def auroc_error(self) -> float:
        """By how much AUROC may be off, because pixels of one step of doubt are taken as equally sure."""
        return ranking_scores(self.doubts)[2]

    def to_record(self) -> dict[str, Any]:
        """What a record says of them, in the types of JSON; fractions, but for NLL and Brier."""
        return {
            "of": "pixels" if self.of_pixels else "boxes",
            "count": self.count,
            "scores": self.scores(),
            "accuracy": self.accuracy,
            "confidence": self.confidence,
            "auroc_error": self.auroc_error,
            "one": ONE,
            "reliability": dict(zip(("count", "confidence", "right"), self.bins.T.tolist(), strict=True)),
            "temperatures": self.at_temperatures(),
        }

    def at_temperatures(self) -> dict[str, list[float]]:
        """NLL and ECE at each temperature, over the lattice of pixels; empty for boxes."""
        if not self.of_pixels:
            return {}
        counts = self.tempered[..., 0].sum(axis=1)
        return {
            "T": list(TEMPERATURES),
            "NLL": [_share(int(sum_), ONE * int(n)) for sum_, n in zip(self.tempered_nll, counts, strict=True)],
            "ECE": [expected_error(one) for one in self.tempered],
        }


def sum_of(sums: Iterable[CalibrationSums], classes: int) -> CalibrationSums:
    """Sums of many pictures or processes taken together.

    Raises:
        MMFanError: They are of another number of classes.
    """
    total = CalibrationSums.empty(classes)
    for one in sums:
        total = total.plus(one)
    return total


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def expected_error(bins: Integers) -> float:
    """ECE of (BINS, 3) sums; NaN of nothing.

    >>> expected_error(np.array([[10, 7 * ONE, 7], [10, 9 * ONE, 4]]))
    0.25
    """
    gaps = np.abs(bins[:, 1] - bins[:, 2] * ONE)
    return _share(int(gaps.sum()), ONE * int(bins[:, 0].sum()))


def ranking_scores(doubts: Integers) -> tuple[float, float, float]:
    """AUROC, FPR95, and by how much AUROC may be off, of (DOUBTS, 2) right and wrong pixels; NaN where one lacks.

    >>> ranking_scores(np.array([[3, 0], [1, 1], [0, 1]]))  # the surest first; one right and one wrong are equally sure
    (0.9375, 0.5, 0.0625)
    """
    right, wrong = (doubts[:, at].astype(np.float64) for at in (0, 1))
    every_right, every_wrong = right.sum(), wrong.sum()
    if not every_right or not every_wrong:
        return float("nan"), float("nan"), float("nan")
    pairs = every_right * every_wrong
    behind = every_wrong - np.cumsum(wrong)  # wrong pixels less sure than those of the step
    tied = float((right * wrong).sum()) / 2
    auroc = (float((right * behind).sum()) + tied) / pairs
    passing = int(np.argmax(np.cumsum(right) >= 0.95 * every_right))
    return float(auroc), float(wrong[: passing + 1].sum() / every_wrong), float(tied / pairs)


def fixed(probabilities: Any) -> Any:
    """Probabilities as whole numbers of parts of :data:`ONE`, to the nearest."""
    return (np.asarray(probabilities) * ONE + 0.5).astype(np.int64)


def bin_of(parts: Any) -> Any:
    """The bin of a probability in parts of :data:`ONE`; closed at the right.

    The edges k / BINS are rounded to parts as probabilities are, so that a probability on an edge is in the lower bin.

    >>> bin_of(fixed(np.array([0.0, 1 / 15, 0.07, 0.2, 1.0]))).tolist()
    [0, 0, 1, 2, 14]
    """
    return np.maximum(((parts * BINS + (ONE - 1 - BINS // 2)) >> 22) - 1, 0)


def doubt_of(parts: Any) -> Any:
    """The step of doubt of a confidence in parts of :data:`ONE`: 0 for certainty, then in order.

    The highest bits of a number in floating point are its size and first digits: steps as fine as what they divide.
    """
    left = (ONE - np.asarray(parts)).astype(np.float32)
    return np.maximum((left.view(np.int32) >> (23 - DOUBT_BITS)) - (127 << DOUBT_BITS) + 1, 0)


def sums_of_boxes(scores: NDArray[Any], right: NDArray[np.bool_]) -> CalibrationSums:
    """Sums of boxes, for the detection ECE: the score of each against whether it found an object.

    Args:
        scores: (N,) from 0 to 1.
        right: (N,) whether it is matched to an object.
    """
    parts = fixed(np.asarray(scores, np.float64))
    hit = np.asarray(right, bool)
    empty = CalibrationSums.empty(0)
    bins, doubts = empty.bins.copy(), empty.doubts.copy()
    np.add.at(bins, bin_of(parts), np.stack((np.ones_like(parts), parts, hit.astype(np.int64)), axis=-1))
    np.add.at(doubts, (doubt_of(parts), np.where(hit, 0, 1)), 1)
    return replace(empty, bins=bins, doubts=doubts)
