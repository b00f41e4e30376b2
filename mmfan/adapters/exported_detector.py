"""Exported detectors (ONNX and its like): which output is what, read by name, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer
from mmfan.adapters.classes import ClassFit, Names
from mmfan.adapters.exported import Port, fitting, input_array, layout_of
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data
from mmfan.utils.text import shortlist
from mmfan.visualization.coco_results import Detections

PARTS = ("boxes", "scores", "labels", "masks")
# What exporters call them, and how many numbers a row of boxes has then.
KNOWN = {
    "boxes": ("boxes", "dets", "bboxes", "output0"),
    "scores": ("scores",),
    "labels": ("labels", "classes", "class_ids"),
    "masks": ("masks",),
}
FORMS = ("xyxy", "xywh", "cxcywh")


class ExportedDetector:
    """A detector that maps an array to boxes, scores and labels, as ``predict`` of ``judge``.

    Args:
        port: Its input, (N, 3, H, W), (N, H, W, 3) or, of one picture, (3, H, W).
        run: Maps the input array and names of outputs to these outputs.
        names: Names of all outputs.
        data: What it is judged on, or the names of its classes.
        preprocessing: What the network expects of a picture; see :class:`ExportedSegmentor`.
        classes: Names of the network's classes, in the order of its labels.
        rename: See :class:`ClassFit`.
        layout: ``'NCHW'`` or ``'NHWC'``, where the shape of the input does not say it.
        outputs: Part (``boxes``, ``scores``, ``labels``, ``masks``) -> name of the output; by default those of
            :data:`KNOWN` that are there. Rows of boxes may end with the score, or with score and label.
        form: Of the boxes: ``'xyxy'``, ``'xywh'`` (left, top, width, height) or ``'cxcywh'`` (the middle first).
        relative: Boxes are shares of the input's width and height, not pixels.
        threshold: What a mask's probability must exceed.

    Raises:
        MMFanError: The classes, the input, the outputs or the preprocessing do not fit; called, so does what comes out.
    """

    def __init__(
        self,
        port: Port,
        run: Callable[[NDArray[Any], Sequence[str]], Sequence[Any]],
        names: Sequence[str],
        data: Data | Sequence[str],
        preprocessing: Preprocessing | None,
        classes: Names | None,
        rename: Mapping[str, str] | None,
        layout: str | None,
        outputs: Mapping[str, str] | None,
        form: str,
        relative: bool,
        threshold: float,
    ) -> None:
        if form not in FORMS:
            raise MMFanError(f"Expected `form` to be one of {', '.join(FORMS)}, got {form!r}.")
        self.fit, self.run, self.form, self.relative, self.threshold = (
            ClassFit(data, classes, rename), run, form, relative, threshold,
        )  # fmt: skip
        self.single = len(port.shape) == 3
        self.port = port._replace(shape=(1, *port.shape)) if self.single else port
        self.layout = layout_of(self.port, layout)
        self.preprocessing = fitting(preprocessing or Preprocessing(), self.port, self.layout)
        wanted = PARTS if getattr(data, "masks", True) else PARTS[:3]
        self.outputs = {part: name for part, name in chosen_outputs(names, outputs).items() if part in wanted}

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The objects, :class:`Detections`, in a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, lambda pictures: [self._objects(rgb) for rgb in pictures])

    def _objects(self, rgb: Picture) -> Detections:
        array = input_array(self.preprocessing, self.port, self.layout, rgb)
        count = self.port.shape[0] or 1
        batch = array if self.single else np.stack([array] * count)  # a fixed batch is filled up
        found = self.run(batch, list(self.outputs.values()))
        parts = {
            part: self._of_one(part, np.asarray(one), count) for part, one in zip(self.outputs, found, strict=True)
        }
        return self.fit.objects(self._read(parts, rgb.shape[:2]))

    def _of_one(self, part: str, array: NDArray[Any], count: int) -> NDArray[Any]:
        """An output without the axis of the batch, if it has one."""
        axes = {"boxes": (2,), "scores": (1,), "labels": (1,), "masks": (3, 4)}[part]
        if part == "masks" and array.ndim == 4 and array.shape[1] == 1:
            return array[:, 0]  # (N, 1, H, W) of one picture
        if array.ndim in axes and (part != "masks" or array.ndim == 3):
            return array
        if array.ndim - 1 in axes and len(array) == count:
            return self._of_one(part, array[0], count) if part == "masks" else array[0]
        told = {"boxes": "(N, 4)", "masks": "(N, H, W)"}.get(part, "(N,)")
        raise MMFanError(f"Expected {part} {told}, perhaps behind an axis of the batch, got {array.shape}.")

    def _read(self, parts: Mapping[str, NDArray[Any]], size: Sequence[int]) -> Detections:
        rows = np.asarray(parts["boxes"], np.float32)
        columns = 6 - ("scores" in parts) - ("labels" in parts)
        if rows.shape[1] != columns:
            raise MMFanError(
                f"Expected boxes of {columns} numbers ({_told(parts)}), got {rows.shape}: name them by `outputs`."
            )
        scores = np.asarray(parts["scores"] if "scores" in parts else rows[:, 4], np.float32)
        labels = np.asarray(parts["labels"] if "labels" in parts else rows[:, -1])
        if not len(rows) == len(scores) == len(labels):
            raise MMFanError(f"Expected as many boxes as scores and labels, got {_shapes(parts)}.")
        masks = None
        if "masks" in parts:
            masks = self._masks(parts["masks"], size)
            if len(masks) != len(rows):
                raise MMFanError(f"Expected a mask a box, got {_shapes(parts)}.")
        real = (labels >= 0) & (scores > 0)  # outputs of a fixed length are filled up with what is nothing
        boxes = self._boxes(rows[:, :4], size)
        return Detections(
            boxes[real], scores[real], labels[real].astype(np.int64), None if masks is None else masks[real]
        )

    def _boxes(self, boxes: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.float32]:
        """Left, top, right, bottom in pixels of the picture."""
        first: NDArray[Any] = boxes[:, :2]
        second: NDArray[Any] = boxes[:, 2:]
        if self.form == "cxcywh":
            first, second = first - second / 2, first + second / 2
        elif self.form == "xywh":
            second = first + second
        resized = self.preprocessing.size or size
        below, right = self.preprocessing.padding(resized)
        # of the padded input, where boxes are shares of it; then from its pixels to the picture's
        share = (resized[0] + below, resized[1] + right) if self.relative else (1, 1)
        scale = [share[1] * size[1] / resized[1], share[0] * size[0] / resized[0]]
        return np.concatenate((first * scale, second * scale), 1).astype(np.float32)

    def _masks(self, masks: NDArray[Any], size: Sequence[int]) -> NDArray[np.bool_]:
        """In the picture's size, by way of the input's, whose padding goes."""
        resized = self.preprocessing.size or size
        below, right = self.preprocessing.padding(resized)
        padded = (resized[0] + below, resized[1] + right)
        if masks.shape[1:] not in (padded, tuple(resized)):
            raise MMFanError(f"Expected masks in the size of the input, {padded[0]} x {padded[1]}, got {masks.shape}.")
        cut = masks[:, : resized[0], : resized[1]]
        if tuple(resized) == tuple(size):
            return cut > self.threshold
        whole = [cv2.resize(one.astype(np.float32), (size[1], size[0])) > self.threshold for one in cut]
        return np.array(whole, bool).reshape(-1, *size)


def chosen_outputs(names: Sequence[str], asked: Mapping[str, str] | None) -> dict[str, str]:
    """Which output is what.

    Raises:
        MMFanError: An output that is asked for is not there, or none is known for boxes.
    """
    if asked is None:
        found = {part: next((name for name in known if name in names), None) for part, known in KNOWN.items()}
        asked = {part: name for part, name in found.items() if name is not None}
        if "boxes" not in asked and len(names) == 1:
            asked["boxes"] = names[0]
    wrong = [f"{part}: {name}" for part, name in asked.items() if part not in PARTS or name not in names]
    if wrong or "boxes" not in asked:
        raise MMFanError(
            f"Expected `outputs` to say which output holds boxes, scores and labels (and masks), got "
            f"{', '.join(wrong) or 'no boxes'}; the network has {shortlist([repr(name) for name in names], 10)}."
        )
    return {part: asked[part] for part in PARTS if part in asked}


def _told(parts: Mapping[str, Any]) -> str:
    more = [word for part, word in (("scores", "score"), ("labels", "label")) if part not in parts]
    return ", ".join(["left, top, right, bottom", *more])


def _shapes(parts: Mapping[str, NDArray[Any]]) -> str:
    return ", ".join(f"{part} {array.shape}" for part, array in parts.items())
