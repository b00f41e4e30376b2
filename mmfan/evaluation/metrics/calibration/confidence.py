"""Confidence of a segmentor in one picture: from the scores of all classes to integer sums, without torch."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.calibration import (
    BINS,
    DOUBT_BITS,
    LATTICE,
    LEAST,
    ONE,
    TEMPERATURES,
    CalibrationSums,
)

Form = Literal["logits", "probabilities"]
FORMS: tuple[Form, ...] = ("logits", "probabilities")
_BLOCK = 4096  # pixels at a time: those of all classes stay in the cache
_TOLERANCE = 1e-2  # probabilities in half precision add up to 1 no better
Floats = NDArray[np.float32]


def sums_of_picture(
    scores: NDArray[np.floating], truth: NDArray[np.integer], form: Form = "logits", ignore_index: int = 255
) -> CalibrationSums:
    """The sums of one picture.

    Args:
        scores: (C, H, W), C at least 2: logits, of which the softmax is taken, or probabilities, which must add up to 1
            at every pixel (within 0.01: half precision) and are brought to 1.
        truth: (H, W) class numbers.
        form: ``'logits'`` or ``'probabilities'``.
        ignore_index: Pixels of the truth with this number do not count.

    Raises:
        MMFanError: Shapes, forms or numbers are others.
    """
    check_shapes(scores.shape, truth.shape)
    flat = np.ascontiguousarray(scores, np.float32).reshape(len(scores), -1)
    wanted = np.where(truth == ignore_index, -1, truth.astype(np.int32)).reshape(-1).astype(np.int32)
    check_truth(int(wanted.min(initial=0)), int(wanted.max(initial=0)), len(scores), ignore_index)
    empty = CalibrationSums.empty(len(flat))
    bins, classes, doubts = (one.copy() for one in (empty.bins, empty.classes, empty.doubts))
    nll, brier = 0, 0
    for start in range(0, flat.shape[1], _BLOCK):
        part, labels = flat[:, start : start + _BLOCK], wanted[start : start + _BLOCK]
        shares = np.exp(part - part.max(axis=0)) if form == "logits" else part.copy()
        total = shares.sum(axis=0)
        least = float(shares.min()) if form == "probabilities" else 0.0
        check_total(form, least, float(total.min()), float(total.max()))
        shares *= np.where(labels < 0, np.float32(0), 1 / total)  # what does not count has no probability
        of_truth, squares = _tally(shares, labels, bins, classes, doubts)
        nll += _sum_of(-np.log(np.maximum(of_truth, np.float32(LEAST))))
        brier += _sum_of(squares)
    _complete(classes, int(bins[:, 0].sum()))
    tempered_nll, tempered = _tempered(scores, truth, form, ignore_index)
    return CalibrationSums(nll, brier, bins, classes, doubts, tempered_nll, tempered)


def check_shapes(scores: tuple[int, ...], truth: tuple[int, ...]) -> None:
    """See that there are scores of at least two classes at every pixel.

    Raises:
        MMFanError: There are not.
    """
    if len(scores) != 3 or scores[0] < 2 or tuple(scores[1:]) != tuple(truth):
        raise MMFanError(
            f"Calibration needs the scores of all classes, (C, H, W) with C of at least 2, in the size of the truth "
            f"{tuple(truth)}, got {tuple(scores)}."
        )


def check_truth(low: int, high: int, classes: int, ignore_index: int) -> None:
    """See that the numbers of the truth are those of classes; -1 stands for what does not count.

    Raises:
        MMFanError: They are not.
    """
    if not -1 <= low <= high < classes:
        raise MMFanError(
            f"Expected the class numbers of the truth to be from 0 to {classes - 1} (or {ignore_index}, ignored), got "
            f"{low} to {high}."
        )


def check_total(form: str, least: float, low: float, high: float) -> None:
    """See that what stands for probabilities is some: none below 0, with sums of about 1; and that logits are numbers.

    Raises:
        MMFanError: They are not.
    """
    if form == "logits":
        if not np.isfinite(high):
            raise MMFanError("The scores hold numbers that are not finite (NaN or infinite).")
        return
    if not (least >= -1e-6 and low >= 1 - _TOLERANCE and high <= 1 + _TOLERANCE):
        raise MMFanError(
            f"Expected probabilities, from 0 on and adding up to 1 at every pixel, got {least:.3g} as the lowest and "
            f"sums from {low:.3g} to {high:.3g}. Of logits say so: calibration='logits'."
        )


def _sum_of(values: Floats) -> int:
    return int((values * np.float32(ONE) + np.float32(0.5)).astype(np.int64).sum())


@compiled
def _tally(
    shares: Floats,
    labels: NDArray[np.int32],
    bins: NDArray[np.int64],
    classes: NDArray[np.int64],
    doubts: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Count the pixels of a block.

    Args:
        shares: (C, n) probabilities, 0 where nothing counts.
        labels: (n,) the truth, -1 where nothing counts.
        bins: Added to.
        classes: Added to, but for the lowest bin, whose probabilities hold the sums over all bins.
        doubts: Added to.

    Returns:
        (n,) the probability of the truth, 1 where nothing counts; (n,) the sum over the classes of the squared
        differences from the truth.
    """
    one, half = np.float32(ONE), np.float32(0.5)
    count = len(labels)
    best, at = np.zeros(count, np.float32), np.zeros(count, np.int32)
    squares, row = np.zeros(count, np.float32), np.zeros(count, np.int32)
    lowest = (ONE + BINS // 2) // BINS  # the last probability of the lowest bin
    for number in range(len(shares)):
        values = shares[number]
        every = np.int64(0)
        for x in range(count):
            value = values[x]
            squares[x] += value * value
            if value > best[x]:
                best[x], at[x] = value, number
            parts = np.int32(value * one + half)
            row[x] = parts
            every += np.int64(parts)
        classes[number, 0, 1] += every
        for x in range(count):
            if row[x] > lowest:
                place = ((np.int64(row[x]) * BINS + (ONE - 1 - BINS // 2)) >> 22) - 1
                classes[number, place, 0] += 1
                classes[number, place, 1] += row[x]
                classes[number, place, 2] += labels[x] == number
    left, of_truth = np.zeros(count, np.float32), np.ones(count, np.float32)
    for x in range(count):
        row[x] = np.int32(best[x] * one + half)
        left[x] = ONE - row[x]
    bits = left.view(np.int32)
    for x in range(count):
        label = labels[x]
        if label < 0:
            continue
        right = at[x] == label
        place = max(((np.int64(row[x]) * BINS + (ONE - 1 - BINS // 2)) >> 22) - 1, np.int64(0))
        bins[place, 0] += 1
        bins[place, 1] += row[x]
        bins[place, 2] += right
        doubts[max((bits[x] >> (23 - DOUBT_BITS)) - (127 << DOUBT_BITS) + 1, 0), 0 if right else 1] += 1
        classes[label, 0, 2] += 1
        of_truth[x] = shares[label, x]
        squares[x] = max(squares[x] + np.float32(1) - np.float32(2) * of_truth[x], np.float32(0))
    return of_truth, squares


def _complete(classes: NDArray[np.int64], count: int) -> None:
    """Make the lowest bins, which hold the sums over all of them, what is left for them."""
    classes[:, 0, 0] = count
    classes[:, 0] -= classes[:, 1:].sum(axis=1)


def _tempered(
    scores: NDArray[np.floating], truth: NDArray[np.integer], form: Form, ignore_index: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """NLL and bins of the confidence at every temperature, of the pixels of a lattice."""
    labels = truth[::LATTICE, ::LATTICE]
    there = labels != ignore_index
    logits = np.ascontiguousarray(scores[:, ::LATTICE, ::LATTICE][:, there], np.float32)
    wanted = labels[there].astype(np.int64)
    nll, bins = np.zeros(len(TEMPERATURES), np.int64), np.zeros((len(TEMPERATURES), BINS, 3), np.int64)
    if not wanted.size:
        return nll, bins
    if form == "probabilities":
        logits = np.log(np.maximum(logits, np.float32(LEAST)))
    logits -= logits.max(axis=0)
    of_truth = logits[wanted, np.arange(len(wanted))]
    right = (logits.argmax(axis=0) == wanted).astype(np.int64)
    buffer = np.empty_like(logits)
    for number, temperature in enumerate(TEMPERATURES):
        np.exp(np.multiply(logits, np.float32(1 / temperature), out=buffer), out=buffer)
        total = buffer.sum(axis=0)
        loss = np.log(total) - of_truth * np.float32(1 / temperature)
        nll[number] = _sum_of(np.minimum(loss, np.float32(-np.log(LEAST))))
        _count_top((1 / total * np.float32(ONE) + np.float32(0.5)).astype(np.int64), right, bins[number])
    return nll, bins


@compiled
def _count_top(parts: NDArray[np.int64], right: NDArray[np.int64], bins: NDArray[np.int64]) -> None:
    for x in range(len(parts)):
        place = max(((parts[x] * BINS + (ONE - 1 - BINS // 2)) >> 22) - 1, 0)
        bins[place, 0] += 1
        bins[place, 1] += parts[x]
        bins[place, 2] += right[x]
