"""Shape bias of a segmentor: on pictures whose segments have the texture of another class, what it went by.

The dense form of the cue conflict of Geirhos et al. (arXiv 1811.12231; :mod:`mmfan.evaluation.metrics.cue_conflict`).
A segment of class A has the texture of class B: its pixels that are called A are decisions by shape (the outline, the
place, what is around), those that are called B decisions by texture. The dense shape bias is A / (A + B), over the
pixels of all swapped segments together. Counts are whole numbers, so that any order and any number of processes give
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores

SHAPE, TEXTURE, NEITHER = range(3)
# names of the scores; fractions
BIAS, OF_CLASSES = "shape_bias", "shape_bias_of_classes"
SHARES = ("by_shape", "by_texture", "by_neither")
KEPT = 255
NOTHING = (
    "No segment got another texture, so that there is no shape bias: it takes two pictures, segments of `area` pixels, "
    "and a class with a box of 16 x 16 pixels."
)


def count_cues(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], textures: NDArray[np.uint8], num_classes: int
) -> NDArray[np.int64]:
    """Count the decisions of one picture.

    Args:
        prediction: (H, W) class numbers; any other number is neither.
        truth: (H, W) class numbers, those of the segments.
        textures: (H, W) the class whose texture a pixel was given, 255 where it has its own: such pixels do not count.
        num_classes: Number of classes.

    Returns:
        (num_classes, 3) int64: by class of the segment, the pixels called by its shape, by its texture, by neither.

    Raises:
        MMFanError: The sizes differ, or a swapped pixel is of no class.

    >>> count_cues(np.array([[0, 1, 2, 0]]), np.array([[0, 0, 0, 0]]), np.array([[1, 1, 1, 255]], np.uint8), 3).tolist()
    [[1, 1, 1], [0, 0, 0], [0, 0, 0]]
    """
    if not prediction.shape == truth.shape == textures.shape:
        raise MMFanError(
            f"Prediction, truth and swapped textures differ in size: {prediction.shape}, {truth.shape} and "
            f"{textures.shape} rows x columns."
        )
    swapped = textures != KEPT
    said, shape, texture = prediction[swapped], truth[swapped].astype(np.int64), textures[swapped]
    if shape.size and not 0 <= int(shape.min()) <= int(shape.max()) < num_classes:
        raise MMFanError(f"Expected swapped pixels to be of the classes 0 to {num_classes - 1}, got {shape.max()}.")
    decision = np.where(said == shape, SHAPE, np.where(said == texture, TEXTURE, NEITHER))
    return np.bincount(3 * shape + decision, minlength=3 * num_classes).reshape(num_classes, 3).astype(np.int64)


def scores_of_cues(
    counts: NDArray[np.int64], classes: Sequence[str]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The scores of a set.

    Args:
        counts: (classes, 3), summed over the pictures.
        classes: Names of the classes.

    Returns:
        Name -> fraction: ``shape_bias`` over all pixels, ``shape_bias_of_classes`` the mean of the classes' own, and
        the shares ``by_shape``, ``by_texture`` and ``by_neither`` of the swapped pixels; and name -> class -> fraction.
        NaN where no decision was one of the two.
    """
    by_class = {
        BIAS: dict(zip(classes, map(float, _bias(counts)), strict=True)),
        "by_neither": dict(zip(classes, map(float, _share(counts[:, NEITHER], counts.sum(axis=1))), strict=True)),
    }
    sums = counts.sum(axis=0)
    defined = [value for value in by_class[BIAS].values() if not np.isnan(value)]
    metrics = {
        BIAS: float(_bias(sums)),
        OF_CLASSES: sum(defined) / len(defined) if defined else float("nan"),
        **{name: float(_share(part, sums.sum())) for name, part in zip(SHARES, sums, strict=True)},
    }
    return metrics, by_class


def with_cues(scores: CellScores, counts: Sequence[NDArray[np.int64]], classes: Sequence[str]) -> CellScores:
    """The scores of a cell, with those of its decisions where textures were swapped.

    Args:
        scores: Those of the metric.
        counts: Of each picture, or summed, from :func:`count_cues`; empty where no textures were swapped.
        classes: Names of the classes.
    """
    if not counts:
        return scores
    sums = np.sum(counts, axis=0)
    metrics, by_class = scores_of_cues(sums, classes)
    note = scores.note if sums.any() else f"{scores.note} {NOTHING}".strip()
    return replace(scores, metrics={**scores.metrics, **metrics}, per_class={**scores.per_class, **by_class}, note=note)


def _bias(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return _share(counts[..., SHAPE], counts[..., SHAPE] + counts[..., TEXTURE])


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    nothing = np.full(np.shape(whole), np.nan)
    return np.divide(part, whole, out=nothing, where=np.asarray(whole) > 0)
