"""Zoom blur: the mean of a picture and ever larger copies of it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

# A flat area must not lose a grey level because the mean comes out a hair too small.
_HAIR = np.float32(1e-3)

# The weight that marks a position outside of the picture.
OUTSIDE = np.float32(-1)


def zoom_blur(image: Picture, severity: int, seed: int) -> Picture:
    """Average the picture and its zooms, each enlarged linearly and cropped. ``seed`` is not used.

    The picture itself counts twice: as it is and as the zoom by 1. At a few sizes the last row or column of a zoom is
    black, as in the reference (see :func:`zoomed_positions`). Source: ImageNet-C.
    """
    factors = np.arange(1, *PARAMETERS["zoom_blur"][severity - 1])
    height, width = image.shape[:2]
    rows = [zoomed_positions(height, factor) for factor in factors]
    columns = [zoomed_positions(width, factor) for factor in factors]
    out = np.empty_like(image)
    _average(
        image.reshape(height, -1),
        np.stack([row[0] for row in rows]),
        np.stack([row[1] for row in rows]),
        np.stack([column[0] for column in columns]),
        np.stack([column[1] for column in columns]),
        out.reshape(height, -1),
    )
    return out


@lru_cache(maxsize=256)
def zoomed_positions(length: int, factor: float, whole: bool = False) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Where the pixels of the enlarged middle of a side are read.

    The middle ``ceil(length / factor)`` pixels are enlarged linearly so that the first and the last one stay the first
    and the last, and cut to ``length`` pixels on the right.

    At about one in two hundred lengths rounding puts the last position of SciPy's zoom, which the reference uses, a
    hair beyond the last pixel, and SciPy then takes it for outside: black. Published numbers were made with that.

    Args:
        length: Pixels of the side.
        factor: At least 1.
        whole: Return all the pixels of the enlargement, which can be a few more than ``length``.

    Returns:
        For each pixel the lower of the two positions it lies between, and the weight of the upper one, 0..1, or
        :data:`OUTSIDE` for one that is black.
    """
    crop = math.ceil(length / factor)
    first = (length - crop) // 2
    enlarged = round(crop * factor)
    positions = np.arange(enlarged) * ((crop - 1) / (enlarged - 1)) if enlarged > 1 else np.zeros(1)
    lower = np.minimum(positions.astype(np.int32), max(crop - 2, 0))
    upper_weight = (positions - lower).astype(np.float32)
    upper_weight[positions > crop - 1] = OUTSIDE
    cut = enlarged if whole else length
    return (lower + first)[:cut], upper_weight[:cut]


@compiled
def _average(
    image: Picture,
    rows: NDArray[np.int32],
    row_weights: NDArray[np.float32],
    columns: NDArray[np.int32],
    column_weights: NDArray[np.float32],
    out: Picture,
) -> None:
    height, length = image.shape
    zooms, width = columns.shape
    channels = length // width
    total = np.empty(length, np.float32)
    line = np.empty(length, np.float32)
    scale = np.float32(1 / (zooms + 1))
    for y in range(height):
        source = image[y]
        for i in range(length):
            total[i] = source[i] + source[i]
        for z in range(1, zooms):
            upper, lower = image[rows[z, y]], image[rows[z, y] + 1]
            weight = row_weights[z, y]
            if weight < 0:
                continue
            for i in range(length):
                first = np.float32(upper[i])
                line[i] = first + weight * (np.float32(lower[i]) - first)
            column, across = columns[z], column_weights[z]
            # only the last can be outside
            end = width - 1 if across[width - 1] < 0 else width
            if channels == 3:
                for x in range(end):
                    at = 3 * column[x]
                    w = across[x]
                    total[3 * x] += line[at] + w * (line[at + 3] - line[at])
                    total[3 * x + 1] += line[at + 1] + w * (line[at + 4] - line[at + 1])
                    total[3 * x + 2] += line[at + 2] + w * (line[at + 5] - line[at + 2])
            else:
                for x in range(end):
                    at = column[x]
                    total[x] += line[at] + across[x] * (line[at + 1] - line[at])
        row = out[y]
        for i in range(length):
            row[i] = min(total[i] * scale + _HAIR, np.float32(255))
