"""Fog: a plasma fractal, made by the diamond-square algorithm, over the picture."""

from __future__ import annotations

import numpy as np
from numba import int64
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import stream_key, word
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

_FIRST_AMPLITUDE = 100.0
_MASK = np.uint64(0xFFFF)
_SHIFT = np.uint64(16)


def fog(image: Picture, severity: int, seed: int) -> Picture:
    """Add a plasma and darken until the brightest value of the picture stays.

    The plasma is a square of the next power of two of the longer side, of which the upper left part is taken; its
    values are stretched to 0..1 over the whole square.

    Source: ImageNet-C, ``(x + c * plasma) * max(x) / (max(x) + c)``.
    """
    strength, decay = PARAMETERS["fog"][severity - 1]
    height, width = image.shape[:2]
    plasma = plasma_fractal(1 << (max(height, width) - 1).bit_length(), decay, seed)
    brightest = int(image.max()) / 255
    out = np.empty_like(image)
    _blend(
        image.reshape(height, width, -1),
        plasma,
        np.float32(255 * strength),
        np.float32(brightest / (brightest + strength)),
        out.reshape(height, width, -1),
    )
    return out


def plasma_fractal(size: int, decay: float, seed: int) -> NDArray[np.float32]:
    """A plasma that can be tiled.

    Args:
        size: Side of the square, a power of two.
        decay: What the amplitude is divided by from octave to octave.
        seed: Of the draws.

    Returns:
        (size, size), 0..1.
    """
    plasma = np.empty((size, size), np.float32)
    plasma[0, 0] = 0
    first, step, amplitude = 0, size, _FIRST_AMPLITUDE
    while step >= 2:
        # the reference multiplies the amplitude by a draw that it has scaled by the amplitude already
        _octave(plasma, step, np.float32(amplitude * amplitude), stream_key(seed, 0), first)
        first += 4 * (size // step) ** 2  # a word for each corner and each kind of point, whether used or not
        step //= 2
        amplitude /= decay
    low, high = plasma.min(), plasma.max()
    plasma -= low
    plasma *= np.float32(1) / (high - low)
    return plasma


@compiled
def _octave(plasma: NDArray[np.float32], step: int, amplitude: np.float32, key: np.uint64, first: int) -> None:
    size, half = plasma.shape[0], step // 2
    count = size // step
    unit = amplitude / np.float32(32768)
    middle = np.float32(32767.5)
    # middles of squares, from their corners
    for i in range(count):
        y, below = i * step, (i + 1) % count * step
        for j in range(count):
            x, right = j * step, (j + 1) % count * step
            bits = word(key, first + i * count + j)
            mean = (plasma[y, x] + plasma[below, x] + (plasma[y, right] + plasma[below, right])) * np.float32(0.25)
            plasma[y + half, x + half] = mean + unit * (np.float32(int64(bits & _MASK)) - middle)
    # middles of edges, from their ends and the middles on both sides
    for i in range(count):
        y, below, above = i * step, (i + 1) % count * step, (i - 1) % count * step
        for j in range(count):
            x, right, left = j * step, (j + 1) % count * step, (j - 1) % count * step
            bits = word(key, first + i * count + j) >> _SHIFT
            centre = plasma[y + half, x + half]
            mean = (centre + plasma[above + half, x + half] + (plasma[y, x] + plasma[y, right])) * np.float32(0.25)
            plasma[y, x + half] = mean + unit * (np.float32(int64(bits & _MASK)) - middle)
            bits >>= _SHIFT
            mean = (centre + plasma[y + half, left + half] + (plasma[y, x] + plasma[below, x])) * np.float32(0.25)
            plasma[y + half, x] = mean + unit * (np.float32(int64(bits & _MASK)) - middle)


@compiled
def _blend(image: Picture, plasma: NDArray[np.float32], strength: np.float32, factor: np.float32, out: Picture) -> None:
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            fog_here = strength * plasma[y, x]
            for c in range(channels):
                out[y, x, c] = min((image[y, x, c] + fog_here) * factor, np.float32(255))
