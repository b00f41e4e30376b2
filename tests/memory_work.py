"""Work for the memory meter's tests: a fresh process imports it by name, which it cannot do with a test module."""

from collections.abc import Callable

import numpy as np


def holding(count: int) -> Callable[[], int]:
    """Hold ``count`` float64 (8 bytes each); the work needs ``count`` bytes more, and frees them."""
    array = np.ones(count)
    return lambda: int((array > 0.5).sum())
