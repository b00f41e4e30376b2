"""Brightness, contrast and saturation: tables that are built once, and looked up for every pixel."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

_LEVELS = np.arange(256) / 255
_FRACTION_BITS = 16


def contrast(image: Picture, severity: int, seed: int) -> Picture:
    """Draw every value towards the mean of its channel. ``seed`` is not used.

    Source: ImageNet-C, ``clip((x - mean) * c + mean)`` with x in 0..1.
    """
    factor = PARAMETERS["contrast"][severity - 1]
    means = np.array(cv2.mean(image))[: image.shape[2] if image.ndim == 3 else 1] / 255
    values = np.clip((_LEVELS[:, None] - means) * factor + means, 0, 1) * 255
    table = np.ascontiguousarray(values.astype(np.uint8)[None])
    return np.asarray(cv2.LUT(image, table if image.ndim == 3 else table[..., 0]), np.uint8)


def brightness(image: Picture, severity: int, seed: int) -> Picture:
    """Raise the HSV value of every pixel; hue and saturation stay. ``seed`` is not used.

    A grey picture is raised directly. Source: ImageNet-C, ``V = clip(V + c)``.
    """
    raised = np.clip(_LEVELS + PARAMETERS["brightness"][severity - 1], 0, 1)
    if image.ndim == 2:
        return np.asarray(cv2.LUT(image, (raised * 255).astype(np.uint8)), np.uint8)
    return _with_tables(image, *_brightness_tables(severity), 0)


def saturate(image: Picture, severity: int, seed: int) -> Picture:
    """Scale and shift the HSV saturation of every pixel; hue and value stay. ``seed`` is not used.

    Severities 1 and 2 take colour away, 3 to 5 add it; at 4 and 5 a neutral grey, whose hue counts as red, turns
    reddish. A grey picture has no saturation and is returned as it is.

    Source: ImageNet-C, ``S = clip(S * scale + shift)``.
    """
    if image.ndim == 2:
        return image.copy()
    return _with_tables(image, *_saturation_tables(severity))


def _with_tables(image: Picture, values: NDArray[np.int32], slopes: NDArray[np.int32], tint: int) -> Picture:
    out = np.empty_like(image)
    _look_up(image.reshape(-1, 3), values, slopes, tint, out.reshape(-1, 3))
    return out


@lru_cache(maxsize=5)
def _brightness_tables(severity: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    raised = np.clip(_LEVELS + PARAMETERS["brightness"][severity - 1], 0, 1)
    return _tables(raised, _saturations())


@lru_cache(maxsize=5)
def _saturation_tables(severity: int) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    scale, shift = PARAMETERS["saturate"][severity - 1]
    values, slopes = _tables(_LEVELS, np.clip(_saturations() * scale + shift, 0, 1))
    # what a neutral pixel loses in green and blue, relative to its value
    return values, slopes, round(min(shift, 1) * (1 << _FRACTION_BITS))


def _saturations() -> NDArray[np.float64]:
    """HSV saturation by (largest, smallest) of the three channels; 0 where that is no pixel."""
    largest, smallest = _LEVELS[:, None], _LEVELS[None, :]
    return np.where(largest > smallest, (largest - smallest) / np.maximum(largest, _LEVELS[1]), 0)


def _tables(
    values: NDArray[np.float64], saturations: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What a pixel becomes whose HSV value and saturation change and whose hue stays.

    With V, m the largest and smallest channel before, V', S' value and saturation after, a channel x becomes
    ``V' - (V - x) * S' V' / (V - m)``.

    Args:
        values: (256,) V' by V, 0..1.
        saturations: (256, 256) S' by V and m, 0..1.

    Returns:
        255 V' by V, and the slope by V and m, both with 16 bits behind the point.
    """
    one = 1 << _FRACTION_BITS
    spread = np.maximum(_LEVELS[:, None] - _LEVELS[None, :], _LEVELS[1])
    slopes = saturations * values[:, None] / spread
    return np.rint(values * 255 * one).astype(np.int32), np.rint(slopes * one).astype(np.int32)


@compiled
def _look_up(image: Picture, values: NDArray[np.int32], slopes: NDArray[np.int32], tint: int, out: Picture) -> None:
    for at in range(image.shape[0]):
        red, green, blue = np.int32(image[at, 0]), np.int32(image[at, 1]), np.int32(image[at, 2])
        largest = max(red, green, blue)
        smallest = min(red, green, blue)
        value = values[largest]
        if largest == smallest:
            out[at, 0] = value >> _FRACTION_BITS
            out[at, 1] = out[at, 2] = (value - largest * tint) >> _FRACTION_BITS
        else:
            slope = slopes[largest, smallest]
            out[at, 0] = max(value - (largest - red) * slope, 0) >> _FRACTION_BITS
            out[at, 1] = max(value - (largest - green) * slope, 0) >> _FRACTION_BITS
            out[at, 2] = max(value - (largest - blue) * slope, 0) >> _FRACTION_BITS
