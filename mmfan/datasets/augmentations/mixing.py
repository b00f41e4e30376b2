"""AugMix's mixture of chains of operations: for the pipeline step, and for copies at test time. Free of OpenMMLab.

``draws`` is ``numpy.random``, whose generator belongs to the process, or a ``numpy.random.RandomState``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmfan.datasets.augmentations.photometric import Operation
from mmfan.datasets.augmentations.steps import Picture


def mixture(
    image: Picture, chain: Callable[[Picture], Picture], width: int, alpha: float, draws: Any = np.random
) -> Picture:
    """The mixture as float32, before it is rounded.

    Args:
        image: (H, W, 3), 0..255.
        chain: Changes it, by draws of its own.
        width: Number of chains.
        alpha: Of both distributions, of the chains' weights and of their share.
        draws: Of the weights and the share.
    """
    weights = draws.dirichlet([alpha] * width)
    share = draws.beta(alpha, alpha)
    total = image.astype(np.float32) * np.float32(1 - share)
    for weight in weights:
        total += np.float32(share * weight) * chain(image).astype(np.float32)
    return total


def chained(
    image: Picture,
    operations: Sequence[Operation],
    level: Callable[[], float],
    depth: int | None = None,
    draws: Any = np.random,
) -> Picture:
    """A picture, (H, W, 3) uint8, after operations drawn with equal chances, ``depth`` of them; None draws 1 to 3."""
    for _ in range(draws.randint(1, 4) if depth is None else depth):
        operation = operations[draws.randint(len(operations))]
        image = operation(image, level())
    return image


def drawn_level(severity: float, draws: Any = np.random) -> float:
    """A level of U(0.1, severity) / 10."""
    return float(draws.uniform(0.1, max(severity, 0.1))) / 10
