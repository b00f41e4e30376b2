"""Predictions and truth as pictures, label maps or objects painted over it; the few of a run that are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import has_own_truth
from mmfan.evaluation.loop.loading.stream import SampleNote
from mmfan.evaluation.results.picture_writer import PictureWriter
from mmfan.visualization.coco_results import Detections
from mmfan.visualization.detections import detections_of, paint_detections

THRESHOLD = 0.3  # least score of an object that is painted


class ShownPictures:
    """Writes a few of a run's pictures beside its results: what the model was given, what it said and what is true.

    Args:
        results: The results file.
        model: Name of the model.
        dataset: The dataset, for its classes and their colours.
        names: Number of a picture -> its name, of those that are written: in the dataset, or among all of a run.

    Raises:
        MMFanError: The dataset has no palette.
    """

    def __init__(self, results: Path, model: str, dataset: Any, names: Mapping[int, str]) -> None:
        self.names, self.meta = dict(names), dataset.metainfo
        palette = self.meta.get("palette")
        if not palette:
            raise MMFanError(
                f"`pictures` need the palette of the classes, which {type(dataset).__name__} lacks: they show label "
                "maps and objects, in colours. Of a classifier judge without; `mmfan infer` writes its answers to "
                "pictures."
            )
        self.writer = PictureWriter(results, model, palette, list(self.names.values()))

    def write(
        self,
        cell: Cell,
        notes: Sequence[SampleNote],
        outputs: Sequence[Any],
        given: Callable[[Any, NDArray[np.uint8]], NDArray[np.uint8]],
    ) -> None:
        """Write those of a batch that are among them.

        Args:
            cell: The cell at hand.
            notes: Of the batch's samples, with the picture of those that are written.
            outputs: What the model returned, in the same order.
            given: Takes what it returned of a picture, and the picture; returns what the model was given of it.
        """
        for note, sample in zip(notes, outputs, strict=True):
            if note.picture not in self.names or note.image is None:
                continue
            name, picture = self.names[note.picture], given(sample, note.image)
            self.writer.write_input(cell, name, picture)
            self.writer.write_prediction(cell, name, shown_prediction(sample, picture, self.meta))
            if has_own_truth(cell):
                truth = shown_truth(sample, note.image, self.meta)
                if truth is not None:
                    self.writer.write_truth(name, truth)


def shown_prediction(sample: Any, picture: NDArray[np.uint8], meta: Mapping[str, Any]) -> NDArray:
    """The prediction in a data sample, as a picture.

    Args:
        sample: What a segmentor or detector returned for the picture.
        picture: What it was given: (H, W, 3) BGR or (H, W) grey, uint8.
        meta: ``classes`` and perhaps ``palette`` of the data set.

    Returns:
        Of a segmentor class numbers (H, W); of a detector the picture with its objects of a score of at least
        :data:`THRESHOLD`, (k * H, k * W, 3) uint8, RGB, a small picture enlarged k times.

    Raises:
        ValueError: The model gives neither.
    """
    if "pred_sem_seg" in sample:
        return _labels(sample.pred_sem_seg)
    return paint_detections(_rgb(picture), detections_of(sample, THRESHOLD), meta)


def shown_truth(sample: Any, picture: NDArray[np.uint8], meta: Mapping[str, Any]) -> NDArray | None:
    """The truth in a data sample, in the form of :func:`shown_prediction`.

    Returns:
        None where the sample holds none, or holds objects in another size than the picture's: where a pipeline loads
        them before it resizes.
    """
    if "gt_sem_seg" in sample:
        return _labels(sample.gt_sem_seg)
    if "gt_instances" not in sample:
        return None
    objects = sample.gt_instances
    boxes = np.asarray(getattr(objects.bboxes, "tensor", objects.bboxes).cpu(), np.float32).reshape(-1, 4)
    masks = objects.get("masks")
    height, width = picture.shape[:2]
    if masks is not None and (masks.height, masks.width) != (height, width):
        return None
    if len(boxes) and (boxes.max(axis=0)[2:] > (width + 1, height + 1)).any():
        return None
    found = Detections(
        boxes,
        np.ones(len(boxes), np.float32),
        objects.labels.cpu().numpy().astype(np.int64),
        None if masks is None else masks.to_ndarray().astype(bool),
    )
    return paint_detections(_rgb(picture), found, meta, with_scores=False)


def _labels(data: Any) -> NDArray:
    return data.data.squeeze().cpu().numpy()


def _rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.ndim == 3 and picture.shape[2] == 3:
        return np.ascontiguousarray(picture[..., ::-1])
    return np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
