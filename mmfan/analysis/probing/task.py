"""Task of probes: what they are fitted to and judged on, pixels with a class or pictures with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis.probing.depths import Depth
from mmfan.analysis.probing.linear import LinearProbe
from mmfan.corruptions.cell import Cell

Scores = dict[str, list[float]]  # read-out -> the score of each depth, a fraction


@dataclass(frozen=True)
class Samples:
    """What probes are fitted to.

    Attributes:
        features: (N, C_i) of each block.
        labels: (N,) class numbers.
    """

    features: Sequence[Tensor]
    labels: NDArray[np.int64]


class Task(Protocol):
    """Where samples come from and how read-outs are scored.

    Attributes:
        metric: Name of the score.
        readouts: ``'linear'``, and perhaps ``'knn'``.
        classes: Names of the classes, in the order of their numbers.
    """

    metric: str
    readouts: tuple[str, ...]
    classes: Sequence[str]

    def described(self) -> list[Any]:
        """What the scores depend on beside weights and options."""
        ...

    def samples(self) -> Samples:
        """Features and classes of the training pictures."""
        ...

    def judge(self, cell: Cell, depths: Sequence[Depth], linear: Sequence[LinearProbe], samples: Samples) -> Scores:
        """The scores of each depth under a cell."""
        ...
