"""Blur along a straight line, one-sided: motion blur, and the fall of snow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled

# A flat area must not lose a grey level because the weights add up to a hair less than one.
_HAIR = np.float32(1e-3)


def line_taps(
    radius: int, sigma: float, angle: float, shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """The positions that are averaged, and their weights.

    The line has ``2 * radius + 1`` positions, begins at the pixel itself and fades with half a Gaussian. It ends early
    where it would be longer than the picture, and its weights are not scaled up for that.

    Args:
        radius: Half the length, in pixels.
        sigma: Standard deviation of the weights along the line, in pixels.
        angle: Direction in degrees; 0 is along the rows.
        shape: Height and width of the picture.

    Returns:
        Vertical and horizontal distance of each position read, in pixels (positive: down, right), and its weight.
    """
    width = 2 * radius + 1
    weights = np.exp(-(np.arange(width) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    down, right = width * math.sin(math.radians(angle)), width * math.cos(math.radians(angle))
    length = math.hypot(down, right)
    rows, columns = [], []
    for at in range(width):
        dy, dx = math.ceil(at * down / length - 0.5), math.ceil(at * right / length - 0.5)
        if abs(dy) >= shape[0] or abs(dx) >= shape[1]:
            break
        rows.append(dy)
        columns.append(dx)
    return np.array(rows), np.array(columns), weights[: len(rows)].astype(np.float32)


def blur_along_line(
    image: NDArray[np.generic],
    taps: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]],
    out: NDArray[np.generic],
) -> None:
    """Average every pixel with those along a line; the picture is continued by its edge.

    Args:
        image: (H, W) or (H, W, C), uint8 or float32.
        taps: As :func:`line_taps` gives them.
        out: As ``image``; receives the result, cut off to whole grey levels if it is of uint8.
    """
    height, width = image.shape[:2]
    channels = image.size // (height * width)
    _average(
        image.reshape(height, -1),
        *taps,
        channels,
        _HAIR if out.dtype == np.uint8 else np.float32(0),
        out.reshape(height, -1),
    )


@compiled
def _average(
    image: NDArray[np.generic],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
    channels: int,
    hair: np.float32,
    out: NDArray[np.generic],
) -> None:
    height, length = image.shape
    left = max(-columns.min(), 0) * channels
    right = max(columns.max(), 0) * channels
    # the rows that one output row reads, as float32 and continued to both sides; each is prepared once
    ring = np.empty((rows.max() - rows.min() + 1, left + length + right), np.float32)
    ready = rows.min()  # rows from here on, counted from the first output row, are still to be prepared
    total = np.empty(length, np.float32)
    for y in range(height):
        while ready <= y + rows.max():
            line = ring[ready % ring.shape[0]]
            source = image[min(max(ready, 0), height - 1)]
            for i in range(length):
                line[left + i] = source[i]
            for i in range(left):
                line[i] = source[i % channels]
            for i in range(right):
                line[left + length + i] = source[length - channels + i % channels]
            ready += 1
        total[:] = hair
        for tap in range(rows.size):
            start = left + columns[tap] * channels
            line = ring[(y + rows[tap]) % ring.shape[0]][start : start + length]
            weight = weights[tap]
            for i in range(length):
                total[i] += weight * line[i]
        row = out[y]
        for i in range(length):
            row[i] = total[i]
