"""Scores of one cell after another: what a model said of each picture, held against the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.function.scoring.classes import ClassScores
from mmfan.evaluation.function.scoring.predictions import PredictionError, read_labels, read_objects
from mmfan.evaluation.function.sources.classes import ClassificationData
from mmfan.evaluation.function.sources.items import Item, Ready
from mmfan.evaluation.function.sources.sources import CocoData, Data, SegmentationData
from mmfan.evaluation.judging.contents import metric_hash
from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums
from mmfan.evaluation.metrics.calibration.confidence import FORMS, Form, sums_of_picture
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.counts import METRICS
from mmfan.evaluation.metrics.dense_shape_bias import count_cues, with_cues
from mmfan.evaluation.metrics.labels import count_labels, scores_of_pictures
from mmfan.evaluation.metrics.objects import index_of, score_objects
from mmfan.utils.text import counted
from mmfan.visualization.coco_results import Detections, as_coco_results

DIGITS = 6  # of the shares and sums by which a model is known again


class LabelScores:
    """mIoU, mAcc and aAcc of a segmentor, from the pixel counts of each picture.

    Args:
        data: What it is judged on.
        form: What the model returns of the classes, where its confidence is summed up too; None where it is not.
        flips: Whether flips are counted beside the scores.

    Attributes:
        tolerance: Share of the pixels that a model may call otherwise the next time: graphics cards flip a few in a
            million, another model calls one in a hundred otherwise.
    """

    tolerance = 1e-3

    def __init__(self, data: SegmentationData, form: Form | None = None, flips: bool = False) -> None:
        self.data, self.form, self.flips = data, form, flips
        self._counts: list[NDArray[np.int64]] = []
        self._sums: CalibrationSums | None = None
        self._cues: list[NDArray[np.int64]] = []

    @property
    def hash(self) -> str:
        """Of what decides about the scores beside predictions and truth."""
        told = {"driver": "mmfan.judge", "scores": METRICS, "ignore_index": self.data.ignore_index}
        told |= {} if self.form is None else {"calibration": self.form}
        told |= {"flips": True} if self.flips else {}
        return metric_hash(told, self.data.classes)

    def read(self, output: Any, ready: Ready) -> NDArray[np.integer]:
        """The label map in what a model returned; see :func:`read_labels`.

        Raises:
            PredictionError: It is nothing of the kind, or lacks the scores of classes that calibration needs.
        """
        if self.form is not None and np.ndim(output) == 2:
            raise PredictionError(
                f"Calibration needs the {self.form} of all classes, (C, H, W) floats, got a label map: return them, or "
                "judge without calibration."
            )
        return read_labels(output, ready.picture.shape[:2], self.data.classes, self.data.ignore_index)

    def add(self, prediction: NDArray[np.integer], ready: Ready, item: Item) -> None:
        """Count the pixels of a picture."""
        if ready.truth is None:
            raise MMFanError(f"The picture {item.name} has no label map.")
        self._counts.append(count_labels(prediction, ready.truth, len(self.data.classes), self.data.ignore_index))
        if ready.textures is not None:
            self._cues.append(count_cues(prediction, ready.truth, ready.textures, len(self.data.classes)))

    def add_confidence(self, output: Any, ready: Ready) -> None:
        """Sum up the confidence in what a model returned of a picture, where that was asked for.

        Raises:
            PredictionError: It holds no probabilities.
        """
        if self.form is None or ready.truth is None:
            return
        try:
            found = sums_of_picture(np.asarray(output), ready.truth, self.form, self.data.ignore_index)
        except MMFanError as error:
            raise PredictionError(str(error)) from error
        self._sums = found if self._sums is None else self._sums.plus(found)

    def forget(self) -> None:
        """Drop what was added since the last scores."""
        self._counts, self._sums, self._cues = [], None, []

    def scores(self) -> CellScores:
        """The scores of what was added since the last call."""
        counts, self._counts = self._counts, []
        sums, self._sums = self._sums, None
        cues, self._cues = self._cues, []
        return replace(
            with_cues(scores_of_pictures(counts, self.data.classes), cues, self.data.classes), calibration=sums
        )

    def signature(self, prediction: NDArray[np.integer]) -> list[float]:
        """By what a model is known again: the share of each class in what it says of a picture."""
        numbers = prediction[(prediction >= 0) & (prediction < len(self.data.classes))]
        shares = np.bincount(numbers.ravel(), minlength=len(self.data.classes)) / max(1, prediction.size)
        return [round(float(share), DIGITS) for share in shares]

    def absent(self, scores: CellScores) -> list[str]:
        """Classes that the truth never shows."""
        if scores.counts is None:
            return []
        there = scores.counts[..., [0, 2]].sum(axis=(0, 2)) > 0
        return [name for name, is_there in zip(self.data.classes, there, strict=True) if not is_there]


class ObjectScores:
    """Average precision of a detector, as COCO defines it and pycocotools computes it.

    Args:
        data: What it is judged on.
        calibrated: Sum up the scores of boxes against what they found, too.

    Attributes:
        tolerance: The same of the scores that a model gives, of which one more or less may reach its threshold.
    """

    tolerance = 1e-2

    def __init__(self, data: CocoData, calibrated: bool = False) -> None:
        self.data, self.calibrated = data, calibrated
        self.kinds = ("bbox", "segm") if data.masks else ("bbox",)
        self.index = index_of(data.content)
        self.categories = list(self.index.getCatIds(catNms=list(data.classes)))
        self._found: list[dict[str, Any]] = []
        self._images: list[int] = []

    @property
    def hash(self) -> str:
        """Of what decides about the scores beside predictions and truth."""
        told: dict[str, Any] = {"driver": "mmfan.judge", "scores": self.kinds}
        return metric_hash({**told, "calibration": True} if self.calibrated else told, self.data.classes)

    def read(self, output: Any, ready: Ready) -> Detections:
        """The objects in what a model returned; see :func:`read_objects`."""
        return read_objects(output, ready.picture.shape[:2], self.data.classes, self.data.masks)

    def add(self, prediction: Detections, ready: Ready, item: Item) -> None:
        """Take in the objects of a picture."""
        self._images.append(item.truth)
        self._found += as_coco_results(prediction, item.truth, self.categories)

    def scores(self) -> CellScores:
        """The scores of what was added since the last call."""
        found, images = self._found, self._images
        self._found, self._images = [], []
        metrics: dict[str, float] = {}
        per_class: dict[str, dict[str, float]] = {}
        calibration = None
        for kind in self.kinds:
            scored = score_objects(
                self.index, [dict(one) for one in found], kind, images, self.categories, calibrated=self.calibrated
            )
            calibration = calibration or scored.calibration
            metrics |= {f"{kind}_{name}": value for name, value in scored.metrics.items()}
            per_class[f"{kind}_mAP"] = scored.per_class
        note = "" if found else f"The model detected nothing in {counted(len(images), 'picture')}."
        return CellScores(metrics, per_class, note=note, calibration=calibration)

    def signature(self, prediction: Detections) -> list[float]:
        """By what a model is known again: the sum of the scores of each class in what it finds in a picture."""
        sums = np.bincount(prediction.labels, prediction.scores, minlength=len(self.data.classes))
        return [round(float(one), DIGITS) for one in sums]


Scores = LabelScores | ObjectScores | ClassScores


def scores_of(data: Data, calibration: bool | str = False, flips: bool = False) -> Scores:
    """The scores that data are judged by.

    Args:
        data: What a model is judged on.
        calibration: Sum up its confidence too: True, or what a segmentor returns, ``'probabilities'`` (the same as
            True) or ``'logits'``.
        flips: Flips are counted beside them.

    Raises:
        MMFanError: They are no data of a kind that is known, or ``calibration`` is something else; flips of other data
            than label maps.
    """
    if not isinstance(calibration, bool) and calibration not in FORMS:
        raise MMFanError(
            f"Expected calibration to be True, False, {' or '.join(map(repr, FORMS))}, got {calibration!r}."
        )
    if isinstance(data, SegmentationData):
        form: Any = "probabilities" if calibration is True else calibration or None
        return LabelScores(data, form, bool(flips))
    if flips:
        raise MMFanError(f"Flips are counted of label maps: leave `flips` out for {type(data).__name__}.")
    if isinstance(data, CocoData):
        return ObjectScores(data, bool(calibration))
    if isinstance(data, ClassificationData):
        return ClassScores(data, bool(calibration))
    raise MMFanError(
        f"Expected `data` to be SegmentationData, CocoData or ClassificationData, got {type(data).__name__}."
    )
