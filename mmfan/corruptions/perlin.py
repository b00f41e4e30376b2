"""Perlin noise over the picture: clouds of several sizes, all grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled, inlined
from mmfan.corruptions.draws import stream_key, words
from mmfan.corruptions.names import CBAR_STRENGTHS
from mmfan.corruptions.registry import Picture

_ENTRIES = 256
_OCTAVES = 5
_CELLS = 7  # of the coarsest octave along the shorter side


def perlin_noise(image: Picture, severity: int, seed: int) -> Picture:
    """Blend the picture with turbulence: the magnitudes of five octaves of Perlin's gradient noise.

    The cells of the coarsest octave are a seventh of the shorter side.

    Source: ImageNet-C-bar, ``(1 - 0.05 s) x + 0.05 s * 255 * clip(turbulence / 2 + 1/2)``.
    """
    order, gradients = _tables(seed)
    return blend_turbulence(
        image, min(image.shape[:2]) / _CELLS, order, gradients, 0.05 * CBAR_STRENGTHS["perlin_noise"][severity - 1]
    )


def blend_turbulence(
    image: Picture, cell: float, order: NDArray[np.int64], gradients: NDArray[np.float64], weight: float
) -> Picture:
    """Blend with turbulence.

    Args:
        image: (H, W, 3) or (H, W).
        cell: Side of a cell of the coarsest octave, in pixels.
        order: 256 places, twice over.
        gradients: Directions of unit length that places have, (512, 2).
        weight: Of the turbulence, 0..1.
    """
    out = np.empty_like(image)
    height, width = image.shape[:2]
    source, target = image.reshape(height, width, -1), out.reshape(height, width, -1)
    _blend(source, 1 / cell, order, gradients, weight, target)
    return out


def _tables(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A shuffled order, and a direction for each place: drawn from a square of 512 x 512 points, then of unit length.

    Of the 512 entries the second half repeats the first; two more, as in Perlin's own tables, would never be read.
    """
    draws = words(stream_key(seed, 0), 2 * _ENTRIES) >> np.uint64(55)
    points = draws.reshape(_ENTRIES, 2).astype(np.float64) - _ENTRIES
    points[(points == 0).all(axis=1)] = (1, 0)
    gradients = points / np.sqrt((points * points).sum(axis=1, keepdims=True))
    order = np.argsort(words(stream_key(seed, 1), _ENTRIES), kind="stable")
    return np.concatenate([order, order]), np.concatenate([gradients, gradients])


@inlined
def _noise(down: float, right: float, order: NDArray[np.int64], gradients: NDArray[np.float64]) -> float:
    top, left = int(down), int(right)
    v, w = down - top, right - left
    row, column = top & 255, left & 255
    below, beside = (row + 1) & 255, (column + 1) & 255
    here, under = order[row], order[below]
    corner, low = order[here + column], order[under + column]
    far, opposite = order[here + beside], order[under + beside]
    smooth_v, smooth_w = v * v * (3.0 - 2.0 * v), w * w * (3.0 - 2.0 * w)
    a = v * gradients[corner, 0] + w * gradients[corner, 1]
    b = (v - 1.0) * gradients[low, 0] + w * gradients[low, 1]
    c = v * gradients[far, 0] + (w - 1.0) * gradients[far, 1]
    d = (v - 1.0) * gradients[opposite, 0] + (w - 1.0) * gradients[opposite, 1]
    near = a + smooth_v * (b - a)
    away = c + smooth_v * (d - c)
    return 1.5 * (near + smooth_w * (away - near))


@compiled
def _blend(
    image: Picture,
    scale: float,
    order: NDArray[np.int64],
    gradients: NDArray[np.float64],
    weight: float,
    out: Picture,
) -> None:
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            total, frequency = 0.0, 1.0
            for _ in range(_OCTAVES):
                total += abs(_noise(frequency * scale * y, frequency * scale * x, order, gradients)) / frequency
                frequency *= 2.0
            added = 255.0 * weight * min(0.5 * total + 0.5, 1.0)
            for c in range(channels):
                out[y, x, c] = (1.0 - weight) * image[y, x, c] + added
