"""Scores of label maps without torch: the counts of a picture, and what they come to over a set.

:mod:`mmfan.evaluation.metrics.segmentation` counts the same on a model's own device.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled, inlined
from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.counts import scores_of_counts

_WORD = 8  # pixels in a number of 64 bits


def count_labels(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], num_classes: int, ignore_index: int = 255
) -> NDArray[np.int64]:
    """Count the pixels of each class in one picture.

    Args:
        prediction: (H, W) integers: class numbers, or an ``ignore_index`` of no class where the model says nothing.
        truth: (H, W) integers: class numbers, or ``ignore_index`` where nothing is to be said.
        num_classes: Number of classes, at most 256.
        ignore_index: 0 to 255; pixels of the truth with this number do not count. It may be the number of a class:
            elsewhere a model may still claim that class, wrongly, and that counts.

    Returns:
        (num_classes, 3) int64: of each class, the pixels found (true positives), wrongly claimed (false positives) and
        missed (false negatives).

    Raises:
        MMFanError: The sizes differ, or a number is that of no class.
    """
    if prediction.shape != truth.shape:
        raise MMFanError(f"Prediction and truth differ in size: {prediction.shape} and {truth.shape} rows x columns.")
    one = _as_bytes("truth", truth, num_classes, ignore_index)
    other = _as_bytes("prediction", prediction, num_classes, ignore_index)
    sums = np.zeros((4, 256), np.int64)
    whole = one.size // _WORD * _WORD
    _add_words(one[:whole].view(np.uint64), other[:whole].view(np.uint64), ignore_index, sums)
    for number, said in zip(one[whole:].tolist(), other[whole:].tolist(), strict=True):
        _add(number, said, 1, ignore_index, sums)
    there, called, claimed, hits = sums
    _check_there("truth", there, ignore_index, num_classes, ignore_index)
    # the number of a class is an answer like any other where the truth says something else
    silent = ignore_index if ignore_index >= num_classes else None
    _check_there("prediction", called, silent, num_classes, ignore_index)
    hits[ignore_index] = there[ignore_index] = 0
    hits, claimed, there = hits[:num_classes], claimed[:num_classes], there[:num_classes]
    return np.stack((hits, claimed - hits, there - hits), axis=1)


@inlined
def _add(
    truth: int | np.int64, prediction: int | np.int64, pixels: int, ignore_index: int, sums: NDArray[np.int64]
) -> None:
    """Count pixels of one truth and one prediction.

    Args:
        truth: Its number.
        prediction: Its number.
        pixels: How many there are.
        ignore_index: Truth that does not count.
        sums: (4, 256): the truth's pixels, the prediction's, those of it where the truth counts, and the equal ones.
    """
    sums[0, truth] += pixels
    sums[1, prediction] += pixels
    if truth != ignore_index:
        sums[2, prediction] += pixels
    if truth == prediction:
        sums[3, truth] += pixels


@compiled
def _add_words(
    truth: NDArray[np.uint64], prediction: NDArray[np.uint64], ignore_index: int, sums: NDArray[np.int64]
) -> None:
    """Count pixels, eight of them in each number; most of such eights are of one class, and are counted at once."""
    repeated, low, bits = np.uint64(0x0101010101010101), np.uint64(0xFF), np.uint64(8)
    for at in range(len(truth)):
        one, other = truth[at], prediction[at]
        first, second = one & low, other & low
        if one == first * repeated and other == second * repeated:
            _add(np.int64(first), np.int64(second), _WORD, ignore_index, sums)
        else:
            for _ in range(_WORD):
                _add(np.int64(one & low), np.int64(other & low), 1, ignore_index, sums)
                one >>= bits
                other >>= bits


def _as_bytes(what: str, numbers: NDArray[np.integer], num_classes: int, ignore_index: int) -> NDArray[np.uint8]:
    """The numbers in a row, as bytes that may be read eight at a time."""
    if numbers.dtype != np.uint8 and numbers.size:
        low, high = int(numbers.min()), int(numbers.max())
        if low < 0 or high > 255:
            check_numbers(what, low, high, num_classes, ignore_index)
    row = numbers.astype(np.uint8, copy=False).reshape(-1)
    fits = row.flags.c_contiguous and row.flags.writeable and row.ctypes.data % _WORD == 0
    return row if fits else row.copy()  # one kind of array, for which the code is compiled once


def _check_there(
    what: str, pixels: NDArray[np.integer], left_out: int | None, num_classes: int, ignore_index: int
) -> None:
    """See that the numbers that have pixels, but for one, are those of classes."""
    numbers = [int(number) for number in np.flatnonzero(pixels) if number != left_out]
    if numbers:
        check_numbers(what, numbers[0], numbers[-1], num_classes, ignore_index)


def check_numbers(what: str, low: int, high: int, num_classes: int, ignore_index: int) -> None:
    """See that class numbers, the lowest and the highest of a map, are those of classes.

    Raises:
        MMFanError: They are not.
    """
    if not 0 <= low <= high < num_classes:
        raise MMFanError(
            f"Expected the class numbers of the {what} to be from 0 to {num_classes - 1} (or {ignore_index}, "
            f"ignored), got {low} to {high}."
        )


def more_class_scores(
    sums: NDArray[np.int64], wanted: Sequence[str], beta: float = 1.0
) -> dict[str, NDArray[np.float64]]:
    """Dice, or F-score with precision and recall, of each class, undefined (NaN) where mmsegmentation's are.

    Dice = 2 tp / (2 tp + fp + fn); precision = tp / (tp + fp); recall = tp / (tp + fn);
    F = (1 + beta^2) precision recall / (beta^2 precision + recall). Where nothing of a class is found, Dice is 0 and F
    is 0 / 0: undefined, so that mFscore leaves the class out where mDice counts it.

    Args:
        sums: (classes, 3): true positives, false positives, false negatives of the set.
        wanted: Any of ``'mDice'``, ``'mFscore'``.
        beta: Weight of the recall in F.
    """
    hits, false, missed = sums.T.astype(np.float64)
    found: dict[str, NDArray[np.float64]] = {}
    with np.errstate(invalid="ignore"):
        if "mDice" in wanted:
            found["Dice"] = 2 * hits / (2 * hits + false + missed)
        if "mFscore" in wanted:
            precision, recall = hits / (hits + false), hits / (hits + missed)
            f_score = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
            found |= {"Fscore": f_score, "Precision": precision, "Recall": recall}
    return found


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def scores_of_pictures(
    counts: Sequence[NDArray[np.int64]], classes: Sequence[str], wanted: Sequence[str] = ("mIoU",), beta: float = 1
) -> CellScores:
    """The scores of a set.

    Args:
        counts: (classes, 3) of each picture, in the order of the set.
        classes: Names of the classes.
        wanted: What to give beside mIoU, mAcc and aAcc: ``'mDice'``, ``'mFscore'`` (with mPrecision and mRecall).
        beta: Weight of the recall in mFscore.
    """
    stacked = np.stack(list(counts)) if counts else np.zeros((0, len(classes), 3), np.int64)
    found = scores_of_counts(stacked)
    more = more_class_scores(stacked.sum(axis=0), wanted, beta)
    metrics = {**found.metrics, **{f"m{name}": _mean(values) for name, values in more.items()}}
    by_class = {**found.per_class, **more}
    per_class = {name: dict(zip(classes, map(float, values), strict=True)) for name, values in by_class.items()}
    return CellScores(metrics, per_class, stacked, tuple(classes))
