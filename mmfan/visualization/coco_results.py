"""Objects that were found in a picture, and their form in COCO's result files. Needs neither torch nor matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Detections(NamedTuple):
    """The objects found in one picture, the surest first.

    Args:
        boxes: (N, 4) float32: left, top, right, bottom in pixels of the picture.
        scores: (N,) float32, 0 to 1.
        labels: (N,) int64: class numbers.
        masks: (N, H, W) bool, or None from a model that gives boxes alone.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    masks: np.ndarray | None


def as_coco_results(
    found: Detections, image_id: Any, categories: Sequence[int] | None = None, names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Objects in the form of COCO's result files.

    Args:
        found: The objects.
        image_id: The picture's number.
        categories: The category number of each class; None for the class numbers themselves.
        names: The name of each class, to be written beside its number.

    Returns:
        One dict for each object: ``image_id``, ``category_id``, with names ``category_name``, ``bbox`` ([x, y, width,
        height], pixels), ``score``, and with masks ``segmentation``, run lengths in COCO's compressed form.
    """
    results = []
    for number, (left, top, right, bottom) in enumerate(found.boxes.tolist()):
        label = int(found.labels[number])
        entry = {
            "image_id": image_id,
            "category_id": label if categories is None else int(categories[label]),
            "bbox": [left, top, right - left, bottom - top],
            "score": float(found.scores[number]),
        }
        if names is not None:
            entry["category_name"] = names[label]
        if found.masks is not None:
            entry["segmentation"] = _run_lengths(found.masks[number])
        results.append(entry)
    return results


def _run_lengths(mask: np.ndarray) -> dict[str, Any]:
    from pycocotools import mask as coco_mask

    encoded = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in encoded["size"]], "counts": encoded["counts"].decode("ascii")}
