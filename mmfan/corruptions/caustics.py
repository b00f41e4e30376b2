"""Caustic refraction: the picture seen through moving water, with its lines of light."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.angles import cosine, sine
from mmfan.corruptions.compiled import inlined, vectorised
from mmfan.corruptions.draws import uniform
from mmfan.corruptions.names import CBAR_STRENGTHS
from mmfan.corruptions.registry import Picture

Field = NDArray[np.float64]

_ROUNDS = 5
_BRIGHT = 0.005
_INDEX = 4.0  # of refraction
_FLAT = 0.999  # cosine of the slope below which light is not bent
_SIDE = 224  # of the pictures that the source is for, in pixels


def caustic_refraction(image: Picture, severity: int, seed: int) -> Picture:
    """Look at the picture through waves, which bend and gather the light.

    The waves repeat after 75 to 125 percent of the shorter side. The source takes slopes from pixel to pixel, whatever
    the size; here they are those of a picture of 224 pixels, so that a larger picture looks as bent as a small one.

    Source: ImageNet-C-bar.
    """
    side = min(image.shape[:2])
    strength = CBAR_STRENGTHS["caustic_refraction"][severity - 1]
    return refract(
        image,
        uniform(seed, 0, 0.5, 2),
        uniform(seed, 1, 0.75, 1.25) * side,
        0.05 * strength * side,
        0.2 * strength,
    )


def refract(image: Picture, time: float, period: float, depth: float, light: float) -> Picture:
    """The picture through waves.

    Args:
        image: (H, W, 3) or (H, W).
        time: Where the waves are.
        period: After how many pixels they repeat.
        depth: Of the picture below them, in pixels.
        light: Weight of the light on their slopes.
    """
    height, width = image.shape[:2]
    steps = min(height, width) / _SIDE
    sharp = np.empty((height, width))
    _caustics(time, period, sharp)
    heights = np.pad(_soften(sharp, max(steps, 1.0)), 1)  # outside there is no light
    out = np.empty_like(image)
    _refract(image.reshape(height, width, -1), heights, steps, depth, light, out.reshape(height, width, -1))
    return out


@vectorised
def _caustics(time: float, period: float, out: Field) -> None:
    """Lines of light on the ground of a pool, 0..1."""
    height, width = out.shape
    turn = 6.28318530718
    start = np.empty(width)
    down, right, total = np.empty(width), np.empty(width), np.empty(width)
    for x in range(width):
        start[x] = (x / period - np.floor(x / period)) * turn - 250.0
    for y in range(height):
        row = (y / period - np.floor(y / period)) * turn - 250.0
        for x in range(width):
            down[x], right[x], total[x] = row, start[x], 1.0
        for n in range(_ROUNDS):
            t = time * (1.0 - 3.5 / (n + 1))
            for x in range(width):
                v, w = down[x], right[x]
                v, w = row + cosine(t - v) + sine(t + w), start[x] + sine(t - w) + cosine(t + v)
                a, b = sine(v + t), cosine(w + t)
                along, across = row * _BRIGHT * b, start[x] * _BRIGHT * a
                total[x] += abs(a * b) / math.sqrt(along * along + across * across)
                down[x], right[x] = v, w
        for x in range(width):
            dark = 1.17 - (total[x] / 5.0) ** 1.4
            square = dark * dark
            fourth = square * square
            out[y, x] = min(fourth * fourth, 1.0)


def _soften(field: Field, sigma: float) -> Field:
    """Gaussian blur, cut at four standard deviations; the field is continued by its mirror image."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weights /= weights[0] + 2 * weights[1:].sum()
    height, width = field.shape
    rows = np.pad(field, ((reach, reach), (0, 0)), "symmetric")
    down = np.empty((height, width))
    _blur_down(rows, weights, down)
    columns = np.pad(down, ((0, 0), (reach, reach)), "symmetric")
    _blur_right(columns, weights, down)
    return down


@vectorised
def _blur_down(rows: Field, weights: Field, out: Field) -> None:
    height, width = out.shape
    reach = weights.size - 1
    for y in range(height):
        for x in range(width):
            out[y, x] = weights[0] * rows[y + reach, x]
        for k in range(1, reach + 1):
            for x in range(width):
                out[y, x] += weights[k] * (rows[y + reach - k, x] + rows[y + reach + k, x])


@vectorised
def _blur_right(columns: Field, weights: Field, out: Field) -> None:
    height, width = out.shape
    reach = weights.size - 1
    for y in range(height):
        for x in range(width):
            out[y, x] = weights[0] * columns[y, x + reach]
        for k in range(1, reach + 1):
            before, after = columns[y, reach - k :], columns[y, reach + k :]
            for x in range(width):
                out[y, x] += weights[k] * (before[x] + after[x])


@inlined
def _value(image: Picture, y: int, x: int, c: int) -> float:
    return float(image[y, x, c]) if 0 <= y < image.shape[0] and 0 <= x < image.shape[1] else 0.0


@vectorised
def _refract(image: Picture, heights: Field, steps: float, depth: float, light: float, out: Picture) -> None:
    """``heights`` has a border of one pixel more on all sides."""
    height, width, channels = image.shape
    rows, columns, added = np.empty(width), np.empty(width), np.empty(width)
    for y in range(height):
        above, here, below = heights[y], heights[y + 1], heights[y + 2]
        for x in range(width):
            down = steps * (below[x + 1] - above[x + 1])
            right = steps * (here[x + 2] - here[x])
            # of the normal of the surface, (down, right, 1) with length 1
            upright = 1.0 / math.sqrt(down * down + right * right + 1.0)
            slope = 1.0 - upright * upright  # squared sine of the angle of incidence
            bend = depth * upright * (math.sqrt(1.0 - slope / (_INDEX * _INDEX)) - upright / _INDEX)
            bend = bend if upright < _FLAT else 0.0
            # the source rounds the displacements to thousandths of a pixel
            rows[x] = y + np.rint(1000.0 * bend * down) / 1000.0
            columns[x] = x + np.rint(1000.0 * bend * right) / 1000.0
            added[x] = 255.0 * light * (down - right)
        for x in range(width):
            top, left = int(np.floor(rows[x])), int(np.floor(columns[x]))
            v, w = rows[x] - top, columns[x] - left
            inside = 0 <= top < height - 1 and 0 <= left < width - 1
            for c in range(channels):
                if inside:
                    p, q = float(image[top, left, c]), float(image[top, left + 1, c])
                    r, s = float(image[top + 1, left, c]), float(image[top + 1, left + 1, c])
                else:
                    p, q = _value(image, top, left, c), _value(image, top, left + 1, c)
                    r, s = _value(image, top + 1, left, c), _value(image, top + 1, left + 1, c)
                over, under = p * (1.0 - w) + q * w, r * (1.0 - w) + s * w
                out[y, x, c] = min(max(over * (1.0 - v) + under * v + added[x], 0.0), 255.0)
