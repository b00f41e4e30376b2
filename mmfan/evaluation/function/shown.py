"""Pictures that are kept beside the results: what the model was given, what it said, what is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions import has_own_truth
from mmfan.evaluation.function.scoring.scoring import ClassScores, LabelScores, ObjectScores, Scores
from mmfan.evaluation.function.sources.items import Item, Ready
from mmfan.evaluation.results.picture_writer import PictureWriter
from mmfan.visualization.captions import captioned
from mmfan.visualization.coco_results import Detections

THRESHOLD = 0.3  # least score of an object that is painted


class Shown:
    """Writer of a few pictures.

    Args:
        results: The results file.
        model: Name of the model.
        names: Of the pictures that are kept.
        scores: What they are scored by, with the data.
        others: Cell of other pictures -> those of them that are kept: name -> name beside the results.
    """

    def __init__(
        self, results: Path, model: str, names: Sequence[str], scores: Scores,
        others: Mapping[Cell, Mapping[str, str]] | None = None,
    ) -> None:  # fmt: skip
        # matplotlib, whose font the objects are named in, takes a second to load
        from mmfan.visualization.instances import distinct_colours

        data = scores.data
        self.names, self.scores, self.others = {name: name for name in names}, scores, dict(others or {})
        self._given: dict[str, NDArray[np.uint8]] = {}
        count = 0 if isinstance(scores, ClassScores) else len(data.classes)
        given = distinct_colours(count) if data.palette is None else data.palette
        palette = [tuple(map(int, colour)) for colour in given]
        self._meta: dict[str, Any] = {"classes": data.classes, "palette": palette}
        every = [*names, *(name for own in self.others.values() for name in own.values())]
        self._writer = PictureWriter(results, model, palette, every)

    def of(self, cell: Cell, scores: Scores) -> Shown:
        """The same for the pictures of a cell and what scores them."""
        if cell not in self.others:
            return self
        own = copy(self)
        own.names, own.scores, own._given = dict(self.others[cell]), scores, {}
        return own

    def keep_input(self, item: Item, ready: Ready) -> None:
        """Hold what the model is about to be given, if it is one of those pictures."""
        if item.name in self.names:
            self._given[item.name] = ready.picture.copy()

    def write(
        self,
        cell: Cell,
        item: Item,
        ready: Ready,
        prediction: Any,
        given: Callable[[str, NDArray[np.uint8]], NDArray[np.uint8]],
    ) -> None:
        """Write what the model was given of a picture, what it said of it, and once the truth.

        Args:
            cell: The cell at hand.
            item: The picture, if it is one of those.
            ready: As it was loaded.
            prediction: What was said.
            given: Takes the picture's name, and the picture; returns what the model was given of it.
        """
        if item.name not in self.names:
            return
        ready = ready._replace(picture=given(item.name, self._given.pop(item.name)))
        self._writer.write_input(cell, self.names[item.name], np.ascontiguousarray(ready.picture[..., ::-1]))
        self._writer.write_prediction(cell, self.names[item.name], self._painted(prediction, ready))
        if has_own_truth(cell):
            self._writer.write_truth(self.names[item.name], self._truth(item, ready))

    def _painted(self, prediction: Any, ready: Ready) -> NDArray[Any]:
        if isinstance(self.scores, ClassScores):
            best = int(prediction.argmax())
            return captioned(ready.picture, self.scores.data.classes[best])
        if not isinstance(prediction, Detections):
            return prediction
        order = np.argsort(-prediction.scores, kind="stable")
        order = order[prediction.scores[order] >= THRESHOLD]
        boxes, scores, labels, masks = prediction
        kept = Detections(boxes[order], scores[order], labels[order], None if masks is None else masks[order])
        return self._objects(kept, ready, with_scores=True)

    def _truth(self, item: Item, ready: Ready) -> NDArray[Any]:
        if isinstance(self.scores, LabelScores):
            label = np.asarray(ready.truth)
            return np.where(label == self.scores.data.ignore_index, 255, label)  # which pictures show as nothing
        if isinstance(self.scores, ClassScores):
            return captioned(ready.picture, self.scores.data.classes[item.truth])
        return self._objects(_annotated(self.scores, item), ready, with_scores=False)

    def _objects(self, found: Detections, ready: Ready, with_scores: bool) -> NDArray[np.uint8]:
        from mmfan.visualization.detections import paint_detections

        return paint_detections(ready.picture, found, self._meta, with_scores=with_scores)


def _annotated(scores: ObjectScores, item: Item) -> Detections:
    """The annotated objects of a picture."""
    index = scores.index
    entries = index.loadAnns(index.getAnnIds(imgIds=[item.truth], catIds=scores.categories))
    boxes = np.array([entry["bbox"] for entry in entries], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    labels = np.array([scores.categories.index(entry["category_id"]) for entry in entries], np.int64)
    masks = None
    if scores.data.masks and entries:
        masks = np.stack([index.annToMask(entry) for entry in entries]).astype(bool)
    return Detections(boxes, np.ones(len(boxes), np.float32), labels, masks)
