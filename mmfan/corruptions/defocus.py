"""Defocus: convolution with a disk whose edge is smoothed.

A disk is a stack of horizontal runs, and the sum over a run is a difference of two running sums of its row: 26
operations a value for a radius of 6, where the kernel has 169 entries. The smoothing of the edge is a small Gaussian
and is applied to the picture first, in OpenCV's exact fixed-point form. The rest is integers too.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

# bits behind the point of the smoothed picture
_BITS = 8


def defocus_blur(image: Picture, severity: int, seed: int) -> Picture:
    """Convolve with a disk whose edge is smoothed. ``seed`` is not used.

    The reference builds the disk in a square that is no larger than it, and smooths it there; for radii of 8 and 10 the
    part beyond the square is folded back in. So the kernel adds up to 1.013 and 1.011 at severities 4 and 5, and the
    picture becomes that much brighter. Published numbers were made with it, and so is this.

    Source: ImageNet-C.
    """
    radius, sigma = PARAMETERS["defocus_blur"][severity - 1]
    half_widths, correction = _runs(radius, sigma)
    size = 3 if radius <= 8 else 5
    smoothed = np.asarray(cv2.GaussianBlur(image.astype(np.uint16) << _BITS, (size, size), sigma), np.uint16)
    out = np.empty_like(image)
    height = image.shape[0]
    _convolve(
        smoothed.reshape(height, -1),
        image.reshape(height, -1),
        half_widths,
        *correction,
        image.size // (height * image.shape[1]),
        # the reference's weights add up to a hair less than one
        np.float32((1 - 1e-6) / (int((2 * half_widths + 1).sum()) << _BITS)),
        out.reshape(height, -1),
    )
    return out


def reference_disk(radius: int, sigma: float) -> NDArray[np.float32]:
    """The kernel of the reference: (17, 17) up to a radius of 8, else (2 radius + 1, 2 radius + 1)."""
    reach = max(radius, 8)
    size = 3 if radius <= 8 else 5
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (rows**2 + columns**2 <= radius**2).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(disk / disk.sum(), (size, size), sigmaX=sigma), np.float32)


@lru_cache(maxsize=5)
def _runs(
    radius: int, sigma: float
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
    """The disk as runs, and how the reference's kernel differs from the smoothed disk.

    Returns:
        (2 radius + 1,) half the width of the run of each row, without the middle pixel; and vertical distance,
        horizontal distance and weight of each entry that differs.
    """
    offsets = np.arange(-radius, radius + 1)
    half_widths = np.sqrt(radius**2 - offsets**2).astype(np.int64)
    # smoothed with room around it, as the runs do, against smoothed in a tight square
    room = max(radius, 8) + 3
    rows, columns = np.mgrid[-room : room + 1, -room : room + 1]
    disk = (rows**2 + columns**2 <= radius**2).astype(np.float32)
    size = 3 if radius <= 8 else 5
    smooth = cv2.GaussianBlur(disk / disk.sum(), (size, size), sigmaX=sigma)
    difference = np.pad(reference_disk(radius, sigma), room - max(radius, 8)) - smooth
    difference[np.abs(difference) < 1e-7] = 0
    dy, dx = np.nonzero(difference)
    return half_widths, (dy - room, dx - room, difference[dy, dx])


@compiled
def _mirror(at: int, length: int) -> int:
    at = abs(at)
    return at if at < length else 2 * (length - 1) - at


@compiled
def _convolve(
    smoothed: NDArray[np.uint16],
    image: Picture,
    half_widths: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float32],
    channels: int,
    scale: np.float32,
    out: Picture,
) -> None:
    height, length = image.shape
    width = length // channels
    radius = half_widths.size // 2
    margin = radius + 3  # the correction reaches a little further than the disk
    # rings of the rows that one output row reads: the running sums, and the picture itself for the correction
    sums = np.empty((2 * margin + 1, (width + 2 * margin + 1) * channels), np.int32)
    plain = np.empty((2 * margin + 1, (width + 2 * margin) * channels), np.float32)
    total = np.empty(length, np.int32)
    extra = np.zeros(length, np.float32)
    ready = -margin
    for y in range(height):
        while ready <= y + margin:
            source = _mirror(ready, height)
            sum_row, smooth_row = sums[ready % sums.shape[0]], smoothed[source]
            sum_row[:channels] = 0
            for x in range(width + 2 * margin):
                at = _mirror(x - margin, width) * channels
                for c in range(channels):
                    sum_row[(x + 1) * channels + c] = sum_row[x * channels + c] + np.int32(smooth_row[at + c])
            if weights.size:
                plain_row, image_row = plain[ready % sums.shape[0]], image[source]
                for x in range(width + 2 * margin):
                    at = _mirror(x - margin, width) * channels
                    for c in range(channels):
                        plain_row[x * channels + c] = image_row[at + c]
            ready += 1
        total[:] = 0
        for k in range(half_widths.size):
            sum_row = sums[(y + k - radius) % sums.shape[0]]
            right = sum_row[(margin + half_widths[k] + 1) * channels :][:length]
            left = sum_row[(margin - half_widths[k]) * channels :][:length]
            for i in range(length):
                total[i] += right[i] - left[i]
        row = out[y]
        if weights.size:
            extra[:] = 0
            for k in range(weights.size):
                plain_row = plain[(y + rows[k]) % sums.shape[0]][(margin + columns[k]) * channels :][:length]
                weight = weights[k]
                for i in range(length):
                    extra[i] += weight * plain_row[i]
        for i in range(length):
            row[i] = min(max(total[i] * scale + extra[i], np.float32(0)), np.float32(255))
