"""Work for the memory meter's tests: a fresh process imports it by name, which it cannot do with a test module."""

from collections.abc import Callable

import numpy as np


def holding(count: int) -> Callable[[], int]:
    """Hold ``count`` float64 (8 bytes each); the work needs ``count`` bytes more, and frees them."""
    array = np.ones(count)
    return lambda: int((array > 0.5).sum())


def leaving_holes(mapped: int) -> Callable[[], int]:
    """Work that frees eight maps of ``mapped`` bytes with something small kept between them, then takes as much again.

    The first map makes glibc, left to itself, put the others into its heap, where they leave holes.
    """

    def work() -> int:
        np.ones(2 * mapped, np.uint8)
        maps, kept = [], []
        for _ in range(8):
            maps.append(np.ones(mapped, np.uint8))
            kept.append(np.ones(5000, np.uint8))
        maps.clear()
        return len(kept) + int(np.ones(8 * mapped, np.uint8)[-1])

    return work
