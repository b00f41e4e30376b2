"""Noise: Gaussian, shot, impulse and speckle. Every value of every channel is drawn on its own.

All four are integer arithmetic on tables and random bits, so their bytes are the same on every machine. The reference
computes ``floor(255 * clip(..., 0, 1))`` in float64; here the same value is formed with 16 bits behind the point.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import int64
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import (
    NORMAL_MASK,
    NORMAL_ONE,
    NORMAL_SHIFT,
    TAIL_HIGH,
    TAIL_LOW,
    normal_tables,
    stream_key,
    tail_draw,
    word,
)
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

_FRACTION_BITS = 16

_STRIKE_MASK = np.uint64((1 << 32) - 2)

# An outcome of shot noise is drawn from one of this many columns; the brightest grey level has 61 outcomes.
_COLUMN_BITS = 6
_COLUMN_MASK = np.uint64((1 << _COLUMN_BITS) - 1)
# The other 26 bits of a draw of 32 are compared with the share of the column.
_SHARE_MASK = np.uint64((1 << 32) - (1 << _COLUMN_BITS))


def gaussian_noise(image: Picture, severity: int, seed: int) -> Picture:
    """Add a normal draw to every value, then clip.

    Source: ImageNet-C, ``clip(x + N(0, sigma))`` with x in 0..1.
    """
    table, tail = _scaled_tables(255 * PARAMETERS["gaussian_noise"][severity - 1])
    out = np.empty_like(image)
    _add_normals(image.ravel(), table, tail, stream_key(seed, 0), stream_key(seed, 1), False, out.ravel())
    return out


def speckle_noise(image: Picture, severity: int, seed: int) -> Picture:
    """Add a normal draw that is proportional to the value, then clip.

    Source: ImageNet-C, ``clip(x + x * N(0, sigma))`` with x in 0..1.
    """
    table, tail = _scaled_tables(PARAMETERS["speckle_noise"][severity - 1])
    out = np.empty_like(image)
    _add_normals(image.ravel(), table, tail, stream_key(seed, 0), stream_key(seed, 1), True, out.ravel())
    return out


def shot_noise(image: Picture, severity: int, seed: int) -> Picture:
    """Replace every value by a Poisson count of photons.

    Source: ImageNet-C, ``clip(Poisson(x * c) / c)`` with x in 0..1 and c photons at full intensity. Counts above c are
    clipped to white, so a grey level has at most c + 1 outcomes, which are drawn by Walker's alias method.
    """
    columns = _poisson_columns(PARAMETERS["shot_noise"][severity - 1])
    out = np.empty_like(image)
    _draw_from_columns(image.ravel(), columns, stream_key(seed, 0), out.ravel())
    return out


def impulse_noise(image: Picture, severity: int, seed: int) -> Picture:
    """Set a share of the values to 0 or 255, with equal chances ("salt and pepper").

    Source: ImageNet-C.
    """
    # one 32-bit draw a value: the lowest bit chooses between salt and pepper, the rest decides whether
    threshold = round(PARAMETERS["impulse_noise"][severity - 1] * 2**31)
    out = np.empty_like(image)
    _strike(image.ravel(), np.uint64(threshold), stream_key(seed, 0), out.ravel())
    return out


@lru_cache(maxsize=16)
def _scaled_tables(scale: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The normal tables times ``scale``, with 16 bits behind the point."""
    table, tail = normal_tables()
    factor = scale * (1 << _FRACTION_BITS) / NORMAL_ONE
    return np.rint(table * factor).astype(np.int32), np.rint(tail * factor).astype(np.int32)


@compiled
def _add_normals(
    image: Picture,
    table: NDArray[np.int32],
    tail: NDArray[np.int32],
    key: np.uint64,
    tail_key: np.uint64,
    proportional: bool,
    out: Picture,
) -> None:
    for start in range(0, image.size, 4):
        bits = word(key, start >> 2)
        for i in range(start, min(start + 4, image.size)):
            index = int64(bits & NORMAL_MASK)
            bits >>= NORMAL_SHIFT
            draw = table[index]
            if index < TAIL_LOW or index >= TAIL_HIGH:
                draw = tail_draw(index, i, tail, tail_key)
            level = int64(image[i])
            value = (level << 16) + (level * draw if proportional else draw)
            out[i] = min(max(value >> 16, 0), 255)


@compiled
def _strike(image: Picture, threshold: np.uint64, key: np.uint64, out: Picture) -> None:
    for start in range(0, image.size, 2):
        bits = word(key, start >> 1)
        for i in range(start, min(start + 2, image.size)):
            salt = 255 if bits & np.uint64(1) else 0
            out[i] = salt if (bits & _STRIKE_MASK) >> np.uint64(1) < threshold else image[i]
            bits >>= np.uint64(32)


@compiled
def _draw_from_columns(image: Picture, columns: NDArray[np.uint64], key: np.uint64, out: Picture) -> None:
    for start in range(0, image.size, 2):
        bits = word(key, start >> 1)
        for i in range(start, min(start + 2, image.size)):
            column = columns[image[i], int64(bits & _COLUMN_MASK)]
            below = (bits & _SHARE_MASK) < (column & _SHARE_MASK)
            out[i] = (column >> np.uint64(32 if below else 40)) & np.uint64(255)
            bits >>= np.uint64(32)


@lru_cache(maxsize=5)
def _poisson_columns(photons: int) -> NDArray[np.uint64]:
    """Walker's columns for the noisy value of each grey level.

    Returns:
        (256, 64): in the low 32 bits the share of the column that belongs to its own outcome, above it that outcome
        and its alias, 8 bits each.
    """
    count = 1 << _COLUMN_BITS
    # the value that the reference stores for k photons
    outcome = [int(min(k / photons, 1.0) * 255) for k in range(photons + 1)] + [255] * (count - photons - 1)
    columns = np.zeros((256, count), np.uint64)
    for level in range(256):
        shares = _poisson_shares(level / 255 * photons, photons)
        shares = np.concatenate([shares, np.zeros(count - shares.size)]) * count
        own, alias = _alias_columns(shares)
        for at in range(count):
            threshold = min(round(own[at] * 2**32), 2**32 - 1)
            columns[level, at] = threshold | outcome[at] << 32 | outcome[alias[at]] << 40
    return columns


def _poisson_shares(mean: float, last: int) -> NDArray[np.float64]:
    """Probabilities of 0..last photons, with all above ``last`` counted to it."""
    if mean == 0:
        return np.array([1.0] + [0.0] * last)
    shares = np.array([math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(last + 1)])
    shares[last] = max(1.0 - shares[:last].sum(), 0.0)
    return shares


def _alias_columns(shares: NDArray[np.float64]) -> tuple[list[float], list[int]]:
    """Vose's form of Walker's method: fill every column with its own share and that of one other outcome."""
    own, alias = [float(share) for share in shares], list(range(len(shares)))
    short = [at for at, share in enumerate(own) if share < 1]
    tall = [at for at, share in enumerate(own) if share >= 1]
    while short and tall:
        low, high = short.pop(), tall[-1]
        alias[low] = high
        own[high] -= 1 - own[low]
        if own[high] < 1:
            short.append(tall.pop())
    for at in short + tall:  # what rounding left over
        own[at] = 1.0
    return own, alias
