"""Scores of a classifier: what it said of each picture, held against the one class that is true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.function.scoring.predictions import PredictionError, read_class_scores
from mmfan.evaluation.function.sources.classes import ClassificationData
from mmfan.evaluation.function.sources.items import Item, Ready
from mmfan.evaluation.judging.contents import metric_hash
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums
from mmfan.evaluation.metrics.calibration.confidence import sums_of_picture
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.classification import rank_of, scores_of_ranks
from mmfan.evaluation.metrics.cue_conflict import probabilities_of

SIGNED = 32  # scores by which a classifier is known again
DIGITS = 6  # of them
TOGETHER = 256  # pictures whose confidence is summed up at a time


class ClassScores:
    """Top-1 and top-5 accuracy of a classifier.

    Args:
        data: What it is judged on.
        calibrated: Sum up its confidence too. Whether it returns logits or probabilities its numbers say: what is
            nowhere below 0 and 1 in sum is taken as probabilities. Those of the columns that are kept are brought to 1.

    Attributes:
        tolerance: Share of the scores that may differ the next time: a lower precision rounds them.
    """

    tolerance = 2e-2

    def __init__(self, data: ClassificationData, calibrated: bool = False) -> None:
        self.data, self.calibrated = data, calibrated
        outputs = data.outputs
        self.count = outputs if isinstance(outputs, int) else len(data.classes if outputs is None else outputs)
        self._ranks: list[int] = []
        self._truths: list[int] = []
        self._shares: list[NDArray[np.floating]] = []
        self._sums: CalibrationSums | None = None

    @property
    def hash(self) -> str:
        """Of what decides about the scores beside predictions and truth: the form of the pictures is part of it."""
        told: dict[str, Any] = {
            "driver": "mmfan.judge", "scores": "classes", "columns": self.data.columns, "outputs": self.count,
            "form": self.data.form.to_dict(), "stored": self.data.stored is not None,
        }  # fmt: skip
        told |= {"calibration": True} if self.calibrated else {}
        return metric_hash(told, self.data.classes)

    def read(self, output: Any, ready: Ready) -> NDArray[np.floating]:
        """The scores of the set's classes in what a model returned: their probabilities, where it is calibrated.

        Raises:
            PredictionError: See :func:`read_class_scores`.
        """
        scores = read_class_scores(output, self.data.classes, self.data.columns, self.count)
        if not self.calibrated:
            return scores
        try:
            shares = probabilities_of(np.asarray(output))
        except MMFanError as error:
            raise PredictionError(str(error)) from error
        if self.data.columns is not None and len(shares) == self.count:
            shares = shares[list(self.data.columns)]
        total = float(shares.sum())
        if total == 0:
            raise PredictionError("The classes of the data have no probability at all, so that there is no confidence.")
        return np.asarray(shares / total)

    def column_of(self, truth: int) -> int:
        """The place of a class of the set among the model's."""
        return truth if self.data.columns is None else self.data.columns[truth]

    def add(self, prediction: NDArray[np.floating], ready: Ready, item: Item) -> None:
        """Take in the place of the true class of a picture."""
        self._ranks.append(rank_of(prediction, item.truth))
        self._truths.append(item.truth)
        if self.calibrated:
            self._shares.append(prediction)
            if len(self._shares) == TOGETHER:
                self._sum_up()

    def _sum_up(self) -> None:
        """Sum up the confidence of the pictures that wait for it: each is a pixel of its own."""
        if not self._shares:
            return
        shares = np.stack(self._shares, axis=1).astype(np.float32)[..., None]
        truths = np.array(self._truths[-len(self._shares) :], np.int64)[:, None]
        found = sums_of_picture(shares, truths, "probabilities", -1)
        self._sums, self._shares = found if self._sums is None else self._sums.plus(found), []

    def scores(self) -> CellScores:
        """The scores of what was added since the last call."""
        self._sum_up()
        found = scores_of_ranks(self._ranks, self._truths, self.data.classes)
        sums, self._sums, self._ranks, self._truths = self._sums, None, [], []
        return replace(found, calibration=sums)

    def signature(self, prediction: NDArray[np.floating]) -> list[float]:
        """By what a model is known again: its scores of up to 32 classes, spread evenly over all."""
        shown = prediction[spread(len(prediction), SIGNED)]
        return [round(float(score), DIGITS) if np.isfinite(score) else 0.0 for score in shown]
