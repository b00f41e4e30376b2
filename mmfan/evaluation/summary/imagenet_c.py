"""ImageNet-C's scores of a classifier: accuracy over 15 and over 19 types, retention, and mCE with AlexNet's errors.

Papers average the accuracy over the 15 common types or over all 19, and seldom say which; mCE is always over the 15.
Both are given here, each under its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmfan.corruptions import COMMON, CORRUPTIONS, IMAGENET_C, SEVERITIES
from mmfan.evaluation.summary.averages import mean
from mmfan.evaluation.summary.corruption_error import CorruptionError, mce
from mmfan.evaluation.summary.summary import Summary

METRIC = "top1"
# Mean top-1 error of AlexNet over the five severities of a type, as published with ImageNet-C (Hendrycks and
# Dietterich, ICLR 2019); and on the clean pictures.
ALEXNET_ERRORS = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
ALEXNET_CLEAN_ERROR = 0.4355
# ImageNet-C's own form of a type -> the name of the type
PLAIN = {name: name.removesuffix("_imagenet_c") for name in IMAGENET_C}


@dataclass(frozen=True)
class _Scores:
    """What a corruption error is taken of; see :class:`mmfan.evaluation.summary.corruption_error.Scored`."""

    name: str
    clean: float | None
    by_corruption: Mapping[str, float]
    dataset: str = "imagenet"
    protocol: str | None = "imagenet_c"
    metric: str = METRIC


@dataclass(frozen=True)
class ImageNetC:
    """Scores of a classifier on ImageNet-C; fractions.

    Attributes:
        acc15: Mean top-1 accuracy over the 15 common types, each the mean over its five severities.
        acc19: The same over all 19 types; None where the four others were not judged.
        retention15: ``acc15 / clean``; None where the clean accuracy is 0.
        retention19: ``acc19 / clean``.
        error: The corruption error against AlexNet, over the 15: ``mce``, ``relative_mce``, and those of the types.
    """

    acc15: float
    acc19: float | None
    retention15: float | None
    retention19: float | None
    error: CorruptionError = field(repr=False)


def imagenet_c_scores(clean: float, by_corruption: Mapping[str, float], name: str = "model") -> ImageNetC | None:
    """The scores of ImageNet-C from the mean accuracies of the types.

    Args:
        clean: Top-1 accuracy on the clean pictures, a fraction.
        by_corruption: Type -> mean top-1 accuracy over its five severities, a fraction; types that belong neither to
            the 15 nor to the four others are left out.
        name: Of the model.

    Returns:
        The scores; None where one of the 15 is missing.

    >>> errors = {name: 1 - error for name, error in ALEXNET_ERRORS.items()}
    >>> round(imagenet_c_scores(1 - ALEXNET_CLEAN_ERROR, errors).error.mce, 9)
    1.0
    """
    types = {PLAIN.get(one, one): score for one, score in by_corruption.items()}
    if not set(COMMON) <= set(types):
        return None
    common = {one: types[one] for one in COMMON}
    acc15 = mean(common.values())
    acc19 = mean(types[one] for one in CORRUPTIONS) if set(CORRUPTIONS) <= set(types) else None
    alexnet = _Scores("AlexNet", 1 - ALEXNET_CLEAN_ERROR, {one: 1 - error for one, error in ALEXNET_ERRORS.items()})
    return ImageNetC(
        acc15,
        acc19,
        acc15 / clean if clean else None,
        acc19 / clean if clean and acc19 is not None else None,
        mce(_Scores(name, clean, common), alexnet),
    )


def imagenet_c_of(summary: Summary) -> ImageNetC | None:
    """The scores of ImageNet-C of a summary of top-1 accuracies.

    Returns:
        None where it is of another metric, of another data set than ImageNet's (whose name begins with ``imagenet``),
        or lacks one of the 15 types at one of the five severities, or the clean score.
    """
    if summary.metric != METRIC or not summary.dataset.startswith("imagenet") or summary.clean is None:
        return None
    whole = {name for name, row in summary.scores.items() if tuple(row) == SEVERITIES}
    return imagenet_c_scores(
        summary.clean, {name: score for name, score in summary.by_corruption.items() if name in whole}, summary.name
    )
