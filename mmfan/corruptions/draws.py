"""Random draws that are a pure function of (seed, stream, position): no state, any order, the same on any machine.

The generator is SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014) read
as a counter-based one: word ``n`` of a stream is a mixing function of ``key + n * GAMMA``. It passes BigCrush, costs
two multiplications a word, and a loop over it can be vectorised. Everything is integers until a table or a scale turns
the bits into numbers, so the draws do not depend on the processor.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from mmfan.corruptions.compiled import compiled, inlined

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

# A normal is looked up by 16 bits. The outermost entries on both sides stand for one value in 2048 each side and are
# looked up again by 16 further bits, so that the tails reach to 5.8 standard deviations.
NORMAL_BITS = 16
TAIL_ENTRIES = 32
NORMAL_ONE = 1 << 16  # tables hold normals times this
NORMAL_MASK = np.uint64((1 << NORMAL_BITS) - 1)
NORMAL_SHIFT = np.uint64(NORMAL_BITS)
TAIL_LOW = np.int64(TAIL_ENTRIES)
TAIL_HIGH = np.int64((1 << NORMAL_BITS) - TAIL_ENTRIES)


@inlined
def word(key: np.uint64, position: int) -> np.uint64:
    """Word ``position`` of the stream ``key``: 64 bits."""
    z = uint64(key) + uint64(position) * GAMMA
    z = (z ^ (z >> uint64(30))) * _MIX_1
    z = (z ^ (z >> uint64(27))) * _MIX_2
    return z ^ (z >> uint64(31))


def stream_key(seed: int, stream: int) -> np.uint64:
    """The key of one of the streams of a seed; streams are numbered from 0 within a corruption."""
    mask = (1 << 64) - 1
    z = (seed + (stream + 1) * int(GAMMA)) & mask
    z = ((z ^ (z >> 30)) * int(_MIX_1)) & mask
    z = ((z ^ (z >> 27)) * int(_MIX_2)) & mask
    # mixed once more with other constants (those of MurmurHash3), so that streams and positions cannot meet
    z ^= z >> 31
    z = ((z ^ (z >> 33)) * 0xFF51AFD7ED558CCD) & mask
    z = ((z ^ (z >> 33)) * 0xC4CEB9FE1A85EC53) & mask
    return np.uint64(z ^ (z >> 33))


def random_bytes(key: np.uint64, count: int) -> NDArray[np.uint8]:
    """``count`` bytes of the stream ``key``, the lowest of each word first."""
    return words(key, (count + 7) // 8).astype("<u8", copy=False).view(np.uint8)[:count]


def normals(seed: int, stream: int, count: int) -> NDArray[np.int32]:
    """``count`` standard normal draws times :data:`NORMAL_ONE`; takes the streams ``stream`` and ``stream + 1``."""
    return _normals(count, *normal_tables(), stream_key(seed, stream), stream_key(seed, stream + 1))


@compiled
def _normals(
    count: int, table: NDArray[np.int32], tail: NDArray[np.int32], key: np.uint64, tail_key: np.uint64
) -> NDArray[np.int32]:
    out = np.empty(count, np.int32)
    for start in range(0, count, 4):
        bits = word(key, start >> 2)
        for i in range(start, min(start + 4, count)):
            index = int64(bits & NORMAL_MASK)
            bits >>= NORMAL_SHIFT
            out[i] = table[index] if TAIL_LOW <= index < TAIL_HIGH else tail_draw(index, i, tail, tail_key)
    return out


@compiled
def tail_draw(index: np.int64, position: int, tail: NDArray[np.int32], key: np.uint64) -> int:
    """What an outermost entry of the table of normals stands for: looked up again in the table of the tail."""
    value = tail[int64(word(key, position) & NORMAL_MASK)]
    return value if index < TAIL_LOW else -value


def _first_word(seed: int, stream: int) -> int:
    return int(words(stream_key(seed, stream), 1)[0])


@compiled
def words(key: np.uint64, count: int) -> NDArray[np.uint64]:
    """The first ``count`` words of the stream ``key``."""
    out = np.empty(count, np.uint64)
    for n in range(count):
        out[n] = word(key, n)
    return out


def uniform(seed: int, stream: int, low: float, high: float) -> float:
    """One number from ``[low, high)`` with 53 random bits."""
    return low + (high - low) * (_first_word(seed, stream) >> 11) * 2.0**-53


def below(seed: int, stream: int, limit: int) -> int:
    """One whole number from ``range(limit)``."""
    return (_first_word(seed, stream) >> 32) * limit >> 32


@lru_cache(maxsize=1)
def normal_tables() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Quantiles of the standard normal, times :data:`NORMAL_ONE`.

    Returns:
        The table of 2**16 entries, entry ``k`` the quantile of ``(k + 0.5) / 2**16``, and the table of the lower tail:
        2**16 entries that split the probability ``TAIL_ENTRIES / 2**16`` evenly. The upper tail is its mirror image.
    """
    quantile = NormalDist().inv_cdf
    entries = 1 << NORMAL_BITS
    half = [round(quantile((k + 0.5) / entries) * NORMAL_ONE) for k in range(entries // 2)]
    table = np.array(half + [-value for value in reversed(half)], dtype=np.int32)
    share = TAIL_ENTRIES / entries
    tail = np.array([round(quantile((k + 0.5) / entries * share) * NORMAL_ONE) for k in range(entries)], dtype=np.int32)
    return table, tail
