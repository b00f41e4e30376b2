"""Results of Ultralytics as objects that are judged, and its models as ``predict`` of ``judge``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.adapters.batches import Picture, answer
from mmfan.adapters.classes import ClassFit, Names
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data
from mmfan.visualization.coco_results import Detections

# What Ultralytics' own validation takes: average precision wants the unsure objects too.
SETTINGS = {"conf": 0.001, "verbose": False}


def from_ultralytics(
    result: Any,
    data: Data | Sequence[str],
    *,
    classes: Names | None = None,
    rename: Mapping[str, str] | None = None,
) -> Detections:
    """The objects in a ``Results`` of Ultralytics, of one picture.

    Args:
        result: With ``boxes`` (``xyxy``, ``conf``, ``cls``), and perhaps ``masks`` in the picture's size.
        data: What is judged on, or the names of its classes.
        classes: Names of the model's classes; ``result.names`` by default.
        rename: See :class:`ClassFit`.

    Raises:
        MMFanError: The classes do not fit, there are no boxes, or the masks have another size.
    """
    return _objects(result, ClassFit(data, result.names if classes is None else classes, rename))


class UltralyticsDetector:
    """A detector of Ultralytics, as ``predict`` of ``judge``.

    Args:
        model: ``YOLO("yolo11n.pt")`` or another: an object with ``names`` and ``predict(pictures, **settings)``.
        data: What it is judged on, or the names of its classes. Of data with masks, masks are asked for in the
            pictures' size.
        rename: See :class:`ClassFit`.
        **settings: For ``model.predict``: ``imgsz``, ``conf`` (0.001 by default, as in Ultralytics' validation),
            ``iou``, ``max_det``, ``half``, ``device``.

    Raises:
        MMFanError: The classes do not fit.
    """

    def __init__(
        self, model: Any, data: Data | Sequence[str], *, rename: Mapping[str, str] | None = None, **settings: Any
    ) -> None:
        self.model, self.fit = model, ClassFit(data, model.names, rename)
        self.settings = {**SETTINGS, "retina_masks": bool(getattr(data, "masks", False)), **settings}

    def __call__(self, given: Picture | Sequence[Picture]) -> Any:
        """The objects, :class:`Detections`, in a picture, (H, W, 3) RGB uint8; of a list a list."""
        return answer(given, self._predict)

    def _predict(self, pictures: list[Picture]) -> list[Detections]:
        # arrays are BGR to Ultralytics, as OpenCV reads them
        found = self.model.predict([np.ascontiguousarray(rgb[..., ::-1]) for rgb in pictures], **self.settings)
        return [_objects(result, self.fit) for result in found]


def _objects(result: Any, fit: ClassFit) -> Detections:
    if result.boxes is None:
        raise MMFanError("The result has no `boxes`: only models of detection and instance segmentation are judged.")
    boxes, scores, numbers = (_array(getattr(result.boxes, name)) for name in ("xyxy", "conf", "cls"))
    masks = None
    if result.masks is not None:
        masks = _array(result.masks.data) > 0.5
        if masks.shape[1:] != tuple(result.orig_shape):
            raise MMFanError(
                f"Expected masks in the picture's size {tuple(result.orig_shape)}, got {masks.shape[1:]}: predict with "
                "retina_masks=True."
            )
    elif len(boxes) == 0:
        masks = np.zeros((0, *result.orig_shape), bool)
    return fit.objects(Detections(boxes.reshape(-1, 4), scores, numbers.astype(np.int64), masks))


def _array(values: Any) -> NDArray[np.float32]:
    """A tensor of any device, or an array, as an array."""
    held = values.detach().float().cpu().numpy() if hasattr(values, "detach") else values
    return np.asarray(held, np.float32)
