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
from mmfan.utils.text import counted

METRICS = ("mIoU", "mAcc", "aAcc")
Metric = Literal["mIoU", "mAcc", "aAcc"]
Present = Literal["either", "truth"]


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


def score_of_sums(sums: NDArray[Any], metric: str = "mIoU", present: Present = "either") -> NDArray[np.float64]:
    """One metric, from sums of counts (..., classes, 3) to an array (...); NaN where nothing is defined.

    Args:
        sums: Counts, summed over pictures.
        metric: One of :data:`METRICS`.
        present: Which classes mIoU is taken over: those in the truth or in the predictions, as mmsegmentation does; or
            those in the truth alone, which are the same whatever the predictions are.

    Raises:
        MMFanError: There is no such metric of counts.
    """
    if metric == "mIoU":
        return _mean_of_defined(_iou(np.asarray(sums), present))
    if metric == "mAcc":
        return _mean_of_defined(class_scores(sums)["Acc"])
    if metric == "aAcc":
        sums = np.asarray(sums, np.float64)
        return _share(sums[..., 0].sum(-1), sums[..., 0].sum(-1) + sums[..., 2].sum(-1))
    raise MMFanError(f"Pixel counts give {', '.join(METRICS)}, not {metric!r}.")


def image_level(counts: ArrayLike, present: Present = "either") -> ImageLevel:
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
    per_picture = _mean_of_defined(_iou(found, present))
    defined = np.sort(per_picture[~np.isnan(per_picture)])
    if not defined.size:
        raise MMFanError(f"No pixel of any class in {counted(len(found), 'picture')}, so there is no mIoU of pictures.")
    tenth = -(-defined.size // 10)
    left_out = len(per_picture) - defined.size
    return ImageLevel(float(defined.mean()), float(defined[:tenth].mean()), per_picture, left_out)


def _iou(sums: NDArray[Any], present: Present) -> NDArray[np.float64]:
    """IoU of each class (..., classes), NaN where the class is not ``present``."""
    scores = class_scores(sums)["IoU"]
    return scores if present == "either" else np.where(sums[..., 0] + sums[..., 2] > 0, scores, np.nan)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """``part / whole``, NaN where there is nothing to share."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean_of_defined(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis of what is a number; NaN where nothing is (numpy's nanmean would warn)."""
    defined = ~np.isnan(scores)
    return _share(np.where(defined, scores, 0.0).sum(-1), defined.sum(-1).astype(np.float64))
