"""Arrays that are kept, and the work of another process that keeps them: where such a process can import it."""

import numpy as np


def arrays(count, shape=(40, 50, 3)):
    """So many arrays of one shape, the same every time."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, np.uint8) for _ in range(count)]


def put_all(kept, first):
    """Put every second of six arrays, from the first on."""
    for number, array in enumerate(arrays(6)):
        if number % 2 == first:
            assert kept.put(number, array, str(number))
