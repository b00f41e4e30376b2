"""Scores of one cell, as a metric gives them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums
from mmfan.evaluation.metrics.flips import Flips


@dataclass(frozen=True)
class CellScores:
    """The scores of one cell; a metric that has a method ``scores(results) -> CellScores`` can give all of them.

    Attributes:
        metrics: Name -> score, a fraction, unrounded; NaN where it is not defined.
        per_class: Name -> class -> score.
        counts: (pictures, classes, 3) int64: true positives, false positives and false negatives of each picture in
            the order of the dataset; None where there are none.
        classes: The names of the classes, in the order of ``counts``.
        note: What a reader of the scores must know; empty for nothing.
        calibration: Sums of the model's confidence; None where they were not asked for.
        flips: Pixels that have another class than a step before; None where that was not asked for, or there is none.
    """

    metrics: dict[str, float]
    per_class: dict[str, dict[str, float]] = field(default_factory=dict)
    counts: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    note: str = ""
    calibration: CalibrationSums | None = None
    flips: Flips | None = None
