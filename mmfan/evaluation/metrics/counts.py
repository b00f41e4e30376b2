"""Scores of segmentation from whole pixel counts per picture.

Counts are integers of shape (pictures, classes, 3); the last axis is true positives (pixels of the class that were
found), false positives (pixels wrongly called it) and false negatives (pixels of it that were called something else).
They are added as integers and divided once, at the end. A score of a class is defined where the class occurs at all:

* IoU = tp / (tp + fp + fn), not a number where the class is neither in the truth nor in the predictions;
* Acc (recall) = tp / (tp + fn), not a number where it is not in the truth.

A mean over classes leaves out those that are not a number, as mmsegmentation's ``nanmean`` and cityscapesScripts do. So
over a whole set, a class that is only ever predicted, and never true, counts with an IoU of 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfan.errors import MMFanError

METRICS = ("mIoU", "mAcc", "aAcc")
Metric = Literal["mIoU", "mAcc", "aAcc"]


@dataclass(frozen=True)
class SetScores:
    """Scores of a set, as fractions: best 1, worst 0, NaN where nothing is defined.

    Attributes:
        metrics: ``mIoU`` and ``mAcc``, means over the classes, and ``aAcc``, the share of the pixels that are right.
        per_class: ``IoU`` and ``Acc``: one value a class, shape (classes,).
    """

    metrics: dict[str, float]
    per_class: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class ImageLevel:
    """The mIoU of each picture by itself, and what it comes to; fractions.

    Attributes:
        mean: The mean over the pictures.
        worst_decile: The mean over the tenth of the pictures with the lowest mIoU, their number rounded up.
        per_picture: The mIoU of each picture, shape (pictures,); NaN for one without any class.
        left_out: How many pictures have no class, and so no part in the means.
    """

    mean: float
    worst_decile: float
    per_picture: NDArray[np.float64]
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """The means in the types of JSON."""
        return {"mean": self.mean, "worst_decile": self.worst_decile, "left_out": self.left_out}


def counts_of_picture(
    prediction: NDArray[Any], truth: NDArray[Any], num_classes: int, ignore_index: int | None = 255
) -> NDArray[np.int64]:
    """Count the pixels of each class in one picture.

    Args:
        prediction: (H, W) integers: class numbers, or ``ignore_index`` where the model says nothing; such a pixel is
            missed by its true class and claimed by none.
        truth: (H, W) integers: class numbers, or ``ignore_index`` where nothing is to be said; they do not count.
        num_classes: Number of classes, numbered from 0.
        ignore_index: See above; None if there is none.

    Returns:
        (num_classes, 3) int64.

    Raises:
        MMFanError: The shapes differ, the numbers are no integers, or one is that of no class.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    if prediction.shape != truth.shape:
        raise MMFanError(f"Prediction and truth differ in shape: {prediction.shape} and {truth.shape}.")
    for what, labels in (("prediction", prediction), ("truth", truth)):
        if labels.dtype.kind not in "ui":
            raise MMFanError(f"Expected whole class numbers in the {what}, got {labels.dtype}.")
    if ignore_index is not None:
        counted = truth != ignore_index
        prediction, truth = prediction[counted], truth[counted]
    truth, prediction = truth.ravel().astype(np.int64), prediction.ravel().astype(np.int64)
    # one more column for pixels of which the model says nothing
    silent = np.zeros(prediction.shape, bool) if ignore_index is None else prediction == ignore_index
    prediction[silent] = num_classes
    for what, labels in (("prediction", prediction[~silent]), ("truth", truth)):
        if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
            raise MMFanError(
                f"Expected class numbers from 0 to {num_classes - 1} in the {what} (or {ignore_index}, ignored), got "
                f"{labels.min()} to {labels.max()}."
            )
    columns = num_classes + 1
    matrix = np.bincount(truth * columns + prediction, minlength=num_classes * columns)
    return _counts_of_matrix(matrix.reshape(num_classes, columns))


def _counts_of_matrix(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """From entries [true class, predicted class (or none, the last)] to counts (classes, 3)."""
    hits = np.diagonal(matrix)
    found = matrix[:, : len(matrix)]
    return np.stack((hits, found.sum(0) - hits, matrix.sum(1) - hits), axis=1).astype(np.int64)


def check_counts(counts: ArrayLike) -> NDArray[np.int64]:
    """See that an array is one of counts per picture, and return it as int64.

    Raises:
        MMFanError: It is not whole numbers from 0 on of shape (pictures, classes, 3).
    """
    found = np.asarray(counts)
    if found.ndim != 3 or found.shape[2] != 3 or found.shape[1] < 1:
        raise MMFanError(f"Expected counts of shape (pictures, classes, 3), got {found.shape}.")
    if found.dtype.kind not in "ui":
        raise MMFanError(f"Expected counts that are whole numbers, got {found.dtype}.")
    if found.size and found.min() < 0:
        raise MMFanError(f"Expected counts from 0 on, got {found.min()}.")
    return found.astype(np.int64, copy=False)


def scores_of_counts(counts: ArrayLike) -> SetScores:
    """The scores of a set from the counts of its pictures.

    Args:
        counts: (pictures, classes, 3) integers.

    Raises:
        MMFanError: These are no counts.

    >>> scores_of_counts([[[3, 1, 0], [0, 0, 1], [0, 0, 0]]]).metrics  # the third class does not occur
    {'mIoU': 0.375, 'mAcc': 0.5, 'aAcc': 0.75}
    """
    total = check_counts(counts).sum(axis=0)
    per_class = class_scores(total)
    metrics = {name: float(score_of_sums(total, name)) for name in METRICS}
    return SetScores(metrics, per_class)


def class_scores(sums: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """IoU and Acc of each class, from sums of counts (..., classes, 3) to arrays (..., classes)."""
    hits, false, missed = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    return {"IoU": _share(hits, hits + false + missed), "Acc": _share(hits, hits + missed)}


def score_of_sums(sums: NDArray[Any], metric: str = "mIoU") -> NDArray[np.float64]:
    """One metric, from sums of counts (..., classes, 3) to an array (...); NaN where nothing is defined.

    Raises:
        MMFanError: There is no such metric of counts.
    """
    if metric == "mIoU":
        return _mean_of_defined(class_scores(sums)["IoU"])
    if metric == "mAcc":
        return _mean_of_defined(class_scores(sums)["Acc"])
    if metric == "aAcc":
        sums = np.asarray(sums, np.float64)
        return _share(sums[..., 0].sum(-1), sums[..., 0].sum(-1) + sums[..., 2].sum(-1))
    raise MMFanError(f"Pixel counts give {', '.join(METRICS)}, not {metric!r}.")


def image_level(counts: ArrayLike, present: Literal["either", "truth"] = "either") -> ImageLevel:
    """The mIoU averaged over pictures, where a set's mIoU sees one large picture.

    Each picture counts alike and each class once in every picture it occurs in, so that small objects and rare failures
    show (compare Wang et al., Revisiting Evaluation Metrics for Semantic Segmentation, NeurIPS 2023).

    Args:
        counts: (pictures, classes, 3) integers.
        present: Which classes a picture's mean is taken over: those in its truth or its prediction, as over a set, so
            that the score of a set of one picture is the set's; or those in its truth alone.

    Raises:
        MMFanError: These are no counts, no picture has any class, or ``present`` is something else.
    """
    found = check_counts(counts)
    if present not in ("either", "truth"):
        raise MMFanError(f"Expected `present` to be 'either' or 'truth', got {present!r}.")
    scores = class_scores(found)["IoU"]
    if present == "truth":
        scores = np.where(found[..., 0] + found[..., 2] > 0, scores, np.nan)
    per_picture = _mean_of_defined(scores)
    defined = np.sort(per_picture[~np.isnan(per_picture)])
    if not defined.size:
        raise MMFanError(
            f"None of the {len(found)} pictures has a pixel of any class, so there is no mIoU of pictures."
        )
    tenth = -(-defined.size // 10)
    left_out = len(per_picture) - defined.size
    return ImageLevel(float(defined.mean()), float(defined[:tenth].mean()), per_picture, left_out)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """``part / whole``, NaN where there is nothing to share."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean_of_defined(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis of what is a number; NaN where nothing is (numpy's nanmean would warn)."""
    defined = ~np.isnan(scores)
    return _share(np.where(defined, scores, 0.0).sum(-1), defined.sum(-1).astype(np.float64))
