"""Flips: the share of pixels whose class changes from one severity to the next. No truth is needed.

A model may keep its score and still answer differently at every step; what runs on video is judged by both. Severity 0
is the clean picture. The draws of a type are anew at each severity, so with noise some flips are of the draws; what is
comparable is the share of two models on the same cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError


class Flips(NamedTuple):
    """Numbers of pixels, which add up over pictures and processes.

    Attributes:
        changed: Those that have another class than at the severity before.
        compared: All of them.
    """

    changed: int
    compared: int

    @property
    def share(self) -> float:
        """``changed / compared``; NaN where nothing was compared."""
        return self.changed / self.compared if self.compared else float("nan")

    def plus(self, other: Flips) -> Flips:
        """The two taken together."""
        return Flips(self.changed + other.changed, self.compared + other.compared)


def count_flips(
    before: NDArray[np.integer], after: NDArray[np.integer], left_out: NDArray[np.bool_] | None = None
) -> Flips:
    """Count the pixels that change class between two predictions of one scene.

    Args:
        before: (H, W) class numbers.
        after: (H, W) class numbers.
        left_out: (H, W) pixels that do not count, such as a car's own bonnet; None for none.

    Raises:
        MMFanError: The sizes differ.

    >>> count_flips(np.array([[1, 2], [3, 3]]), np.array([[1, 1], [3, 0]])).share
    0.5
    """
    shapes = {before.shape, after.shape} | (set() if left_out is None else {left_out.shape})
    if len(shapes) != 1:
        raise MMFanError(f"Predictions of one scene must be of one size, got {sorted(shapes)}.")
    counted = np.ones(before.shape, bool) if left_out is None else ~left_out
    return Flips(int(np.count_nonzero((before != after) & counted)), int(np.count_nonzero(counted)))


def flips_of_steps(
    predictions: Sequence[NDArray[np.integer]], left_out: NDArray[np.bool_] | None = None
) -> list[Flips]:
    """The flips of each step of a type on one picture: predictions of severities 0, 1, 2, ... in this order.

    Raises:
        MMFanError: There are fewer than two, or the sizes differ.
    """
    if len(predictions) < 2:
        raise MMFanError(f"Flips are between predictions of successive severities, got {len(predictions)} prediction.")
    return [count_flips(before, after, left_out) for before, after in pairwise(predictions)]


def sum_of(flips: Iterable[Flips]) -> Flips:
    """Flips of many pictures or steps taken together: each pixel counts once."""
    total = Flips(0, 0)
    for one in flips:
        total = total.plus(one)
    return total
