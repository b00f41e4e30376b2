"""Common parts of the augmentations: the picture of a sample, checked numbers, draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError

Picture = NDArray[Any]


def picture_of(results: dict[str, Any], step: object) -> Picture:
    """The picture of a sample, BGR ``(H, W, 3)``, as uint8 or floats from 0 to 255.

    Raises:
        MMFanError: There is none, or it has another form or type, or no pixel.
    """
    image = results.get("img")
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        what = "none" if image is None else f"the shape {getattr(image, 'shape', None)}"
        raise MMFanError(
            f"mmfan.{type(step).__name__} needs a colour picture (H, W, 3) in 'img', got {what} in the sample of "
            f"{results.get('img_path')}: place it after the step that loads the picture and before those that pack it."
        )
    if not image.size or not (image.dtype == np.uint8 or np.issubdtype(image.dtype, np.floating)):
        raise MMFanError(
            f"mmfan.{type(step).__name__} needs a picture of uint8 or of floats from 0 to 255, of one pixel at least, "
            f"got {image.dtype} of {image.shape[0]} x {image.shape[1]} in the sample of {results.get('img_path')}."
        )
    return image


def labels_of(results: dict[str, Any], image: Picture, step: object) -> NDArray[np.integer]:
    """The label map of a sample, ``(H, W)`` class numbers, in the size of its picture.

    Raises:
        MMFanError: There is none, or it has another size, or its values are no whole numbers.
    """
    labels = results.get("gt_seg_map")
    if not isinstance(labels, np.ndarray) or labels.shape != image.shape[:2]:
        what = "none" if labels is None else f"the shape {getattr(labels, 'shape', None)}"
        raise MMFanError(
            f"mmfan.{type(step).__name__} needs the label map of the picture, {size_of(image)} in 'gt_seg_map', got "
            f"{what} in the sample of {results.get('img_path')}: place it after LoadAnnotations."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise MMFanError(
            f"mmfan.{type(step).__name__} needs whole numbers in the label map 'gt_seg_map', got {labels.dtype} in the "
            f"sample of {results.get('img_path')}: load it as uint8, as LoadAnnotations does."
        )
    return labels


def size_of(image: Picture) -> tuple[int, int]:
    """Height and width of a picture."""
    return int(image.shape[0]), int(image.shape[1])


def like(values: Picture, image: Picture) -> Picture:
    """Values cut to 0..255 in the type of a picture; rounded where that is uint8."""
    clipped = np.clip(values, 0, 255)
    return np.rint(clipped).astype(np.uint8) if image.dtype == np.uint8 else clipped.astype(image.dtype)


def fraction(name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        MMFanError: It is none.
    """
    return number(name, value, 0.0, 1.0)


def number(name: str, value: Any, least: float = 0.0, most: float = float("inf")) -> float:
    """A number within limits.

    Raises:
        MMFanError: It is none.
    """
    a_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not a_number or not least <= value <= most:
        limits = f"{least:g} to {most:g}" if most < float("inf") else f"at least {least:g}"
        raise MMFanError(f"Expected `{name}` to be a number of {limits}, got {value!r:.80}.")
    return float(value)


def happens(prob: float) -> bool:
    """One draw of NumPy's generator, whatever the probability, so that what comes after does not depend on it."""
    return bool(np.random.random_sample() < prob)
