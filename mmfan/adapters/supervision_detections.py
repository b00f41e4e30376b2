"""Objects in the form of the package supervision, in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmfan.adapters.classes import ClassFit, Names
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data
from mmfan.visualization.coco_results import Detections


def from_supervision(
    found: Any,
    data: Data | Sequence[str],
    *,
    classes: Names | None = None,
    rename: Mapping[str, str] | None = None,
) -> Detections:
    """The objects in a ``supervision.Detections``, of one picture.

    Args:
        found: With ``xyxy``, ``confidence``, ``class_id`` and perhaps ``mask``.
        data: What is judged on, or the names of its classes.
        classes: Names of the model's classes, by their ``class_id``; None where these are places in the data's
            classes. ``found.data["class_name"]`` is not read: it names what is in this picture alone, so that a class
            that the model does not have could not be told from one that is not there.
        rename: See :class:`ClassFit`.

    Raises:
        MMFanError: The classes do not fit, or objects have no score or no class.
    """
    fit, count = ClassFit(data, classes, rename), len(found.xyxy)
    parts = {}
    for name, kind in (("confidence", np.float32), ("class_id", np.int64)):
        held = getattr(found, name)
        if held is None and count:
            raise MMFanError(f"Expected detections with `confidence` and `class_id`, got no `{name}`.")
        parts[name] = np.zeros(0, kind) if held is None else np.asarray(held, kind)
    boxes = np.asarray(found.xyxy, np.float32).reshape(-1, 4)
    masks = None if found.mask is None else np.asarray(found.mask, bool)
    return fit.objects(Detections(boxes, parts["confidence"], parts["class_id"], masks))


def to_supervision(found: Detections, data: Data | Sequence[str]) -> Any:
    """Objects as a ``supervision.Detections``, for its annotators, trackers and metrics.

    Args:
        found: Of mmfan: what its adapters and ``mmfan.apis.detect`` return.
        data: What was judged on, or the names of the classes, which become ``data["class_name"]``.
    """
    import supervision

    names = np.asarray(ClassFit(data).wanted)
    return supervision.Detections(
        xyxy=found.boxes,
        mask=found.masks,
        confidence=found.scores,
        class_id=found.labels,
        data={"class_name": names[found.labels]},
    )
