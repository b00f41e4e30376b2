"""Operations of AugMix on the colours of a picture, which leave everything in its place.

AugMix (Hendrycks et al., ICLR 2020, arXiv 1912.02781) takes those of the Pillow library; these give the same pictures
(``autocontrast``, ``equalize``, ``posterize``, ``solarize`` to the bit, the others to one level). Each takes a BGR
picture, uint8 ``(H, W, 3)``, and a level from 0 to 1 of its greatest strength.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.datasets.augmentations.overlaps import BLURS

Image = NDArray[np.uint8]
Operation = Callable[[Image, float], Image]
LEVELS = np.arange(256)


def autocontrast(image: Image, level: float = 0.0) -> Image:
    """Stretch each channel to 0..255; the level has no meaning."""
    low, high = image.min(axis=(0, 1)).astype(float), image.max(axis=(0, 1)).astype(float)
    scale = np.where(high > low, 255 / np.maximum(high - low, 1), 1.0)
    offset = np.where(high > low, -low * scale, 0.0)
    return _looked_up(image, np.clip(np.trunc(LEVELS[:, None] * scale + offset), 0, 255))


def equalize(image: Image, level: float = 0.0) -> Image:
    """Spread the values of each channel evenly; the level has no meaning."""
    return _looked_up(image, np.stack([_equal(image[..., channel]) for channel in range(3)], axis=1))


def _equal(channel: Image) -> NDArray[np.float64]:
    counts = np.bincount(channel.ravel(), minlength=256)
    filled = counts[counts > 0]
    step = (int(filled.sum()) - int(filled[-1])) // 255
    if len(filled) <= 1 or not step:
        return LEVELS.astype(float)
    before = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return np.minimum((step // 2 + before) // step, 255).astype(float)


def posterize(image: Image, level: float) -> Image:
    """Keep the highest 4 bits of each value at level 0, none at level 1."""
    bits = 4 - int(4 * level)
    return image & np.uint8(256 - 2 ** (8 - bits) if bits else 0)


def solarize(image: Image, level: float) -> Image:
    """Turn around values from a threshold on: from 256 (none) at level 0 to 0 (all) at level 1."""
    threshold = 256 - int(256 * level)
    return _looked_up(image, np.repeat(np.where(threshold > LEVELS, LEVELS, 255 - LEVELS)[:, None], 3, axis=1))


def _factor(level: float) -> float:
    return 1.8 * level + 0.1


def colour(image: Image, level: float) -> Image:
    """Between grey (0.1 of the colour) and 1.9 times the colour."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return _blend(np.asarray(grey, np.uint8), image, _factor(level))


def contrast(image: Image, level: float) -> Image:
    """Between nearly the mean grey and 1.9 times the contrast."""
    grey = int(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8).mean() + 0.5)
    return _blend(np.full_like(image, grey), image, _factor(level))


def brightness(image: Image, level: float) -> Image:
    """Between nearly black and 1.9 times as bright."""
    return _blend(np.zeros_like(image), image, _factor(level))


def sharpness(image: Image, level: float) -> Image:
    """Between a 3x3 smoothing and 1.9 times as sharp; the border of one pixel stays."""
    smooth = image.copy()
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
    smooth[1:-1, 1:-1] = cv2.filter2D(image, -1, kernel)[1:-1, 1:-1]
    return _blend(smooth, image, _factor(level))


def _blend(first: Image, second: Image, share: float) -> Image:
    return np.asarray(cv2.addWeighted(first, 1 - share, second, share, 0), np.uint8)


def _looked_up(image: Image, table: NDArray[np.float64] | NDArray[np.int64]) -> Image:
    """Each channel through its column of a table ``(256, 3)``."""
    return np.asarray(cv2.LUT(image, table.astype(np.uint8)[None]), np.uint8)


OPERATIONS: dict[str, Operation] = {
    "autocontrast": autocontrast,
    "equalize": equalize,
    "posterize": posterize,
    "solarize": solarize,
    "colour": colour,
    "contrast": contrast,
    "brightness": brightness,
    "sharpness": sharpness,
}
# AugMix's own list and, behind it, the operations it leaves out because they are test corruptions.
OWN = ("autocontrast", "equalize", "posterize", "solarize")
OVERLAPS: dict[str, frozenset[str]] = {
    "autocontrast": frozenset({"contrast"}),
    "equalize": frozenset({"contrast"}),
    "colour": frozenset({"saturate"}),
    "contrast": frozenset({"contrast"}),
    "brightness": frozenset({"brightness"}),
    "sharpness": BLURS,
}
