"""Scores of classifiers without torch: the place of the true class among all, and what it comes to over a set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmfan.evaluation.metrics.cell_scores import CellScores

TOP = 5  # classes within which the truth is found for top5
# A table of more classes helps no reader, and would be 50 kB in each record of ImageNet.
MOST_CLASSES = 50


def rank_of(scores: NDArray[np.floating], truth: int) -> int:
    """How many classes come before the true one: 0 where it is the answer.

    Of equal scores the class with the lower number comes first, as ``argmax`` takes it.

    Args:
        scores: (K,) floats, logits or probabilities.
        truth: Number of the true class.

    >>> [rank_of(np.array([0.1, 0.7, 0.7, 0.2]), truth) for truth in range(4)]
    [3, 0, 1, 2]
    """
    own = scores[truth]
    return int((scores > own).sum() + (scores[:truth] == own).sum())


def scores_of_ranks(ranks: Sequence[int], truths: Sequence[int], classes: Sequence[str]) -> CellScores:
    """The scores of a set.

    ``top1`` and ``top5`` are shares of the pictures; ``mean_class`` is the mean over the classes of the share of each
    one's pictures, over the classes that have pictures. ``top5`` is left out where there are no more than five classes.

    Args:
        ranks: From :func:`rank_of`, one a picture.
        truths: Numbers of the true classes.
        classes: Their names.
    """
    places, numbers = np.asarray(ranks, np.int64), np.asarray(truths, np.int64)
    pictures = np.bincount(numbers, minlength=len(classes))
    hits = np.bincount(numbers[places == 0], minlength=len(classes))
    each = hits[pictures > 0] / pictures[pictures > 0]
    metrics = {"top1": _share(places == 0)}
    if len(classes) > TOP:
        metrics["top5"] = _share(places < TOP)
    metrics["mean_class"] = float(each.mean()) if each.size else float("nan")
    per_class: dict[str, dict[str, float]] = {}
    if len(classes) <= MOST_CLASSES:
        pairs = zip(classes, hits.tolist(), pictures.tolist(), strict=True)
        per_class["top1"] = {name: right / count if count else float("nan") for name, right, count in pairs}
    return CellScores(metrics, per_class)


def _share(found: NDArray[np.bool_]) -> float:
    return int(found.sum()) / found.size if found.size else float("nan")
