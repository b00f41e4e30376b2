"""Objects that a detector found: read from its samples, and painted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmfan.errors import MMFanError
from mmfan.visualization.coco_results import Detections
from mmfan.visualization.instances import distinct_colours, draw_instances

LEGIBLE = 480  # pixels of the short side, below which a picture is enlarged before names are written on it


def detections_of(sample: Any, threshold: float = 0.0) -> Detections:
    """The objects in what a detector returns for one picture.

    Args:
        sample: A ``DetDataSample``.
        threshold: Objects with a lower score are left out.

    Raises:
        MMFanError: The model gives no objects.
    """
    if "pred_instances" not in sample:
        raise MMFanError(f"This config's model gives no objects, only {sorted(sample.keys())}.")
    found = sample.pred_instances.cpu()
    scores = found.scores.float().numpy()
    order = _surest_first(scores, threshold)
    boxes = found.bboxes
    masks = found.masks if "masks" in found else None
    return Detections(
        np.asarray(getattr(boxes, "tensor", boxes), np.float32).reshape(-1, 4)[order],
        scores[order],
        found.labels.numpy().astype(np.int64)[order],
        None if masks is None else np.asarray(masks, bool)[order],
    )


def mask_scores_of(sample: Any) -> np.ndarray | None:
    """The scores of the masks that a detector returns, in the order of :func:`detections_of`.

    Returns:
        (N,) float32: those of the objects, unless the model judges masks apart; None without masks.
    """
    found = sample.pred_instances.cpu()
    if "masks" not in found:
        return None
    scores = found.mask_scores if "mask_scores" in found else found.scores
    return scores.float().numpy()[_surest_first(found.scores.float().numpy(), 0.0)]


def _surest_first(scores: np.ndarray, threshold: float) -> np.ndarray:
    order = np.argsort(-scores, kind="stable")
    return order[scores[order] >= threshold]


def paint_detections(
    picture: np.ndarray, found: Detections, meta: Mapping[str, Any], opacity: float = 0.5, with_scores: bool = True
) -> np.ndarray:
    """Draw objects over their picture; a small picture is enlarged first, so that names can be read.

    Args:
        picture: (H, W, 3) uint8, RGB.
        found: Its objects.
        meta: ``classes`` and perhaps ``palette``, as ``model.dataset_meta`` has them.
        opacity: Of the masks, 0 to 1.
        with_scores: Write them behind the names; truth has none.

    Returns:
        (k * H, k * W, 3) uint8, RGB, with a whole number k from 1 to 4.
    """
    classes, palette = meta["classes"], meta.get("palette")
    if not isinstance(palette, (list, tuple)) or len(palette) < len(classes):
        palette = distinct_colours(len(classes))
    scale = int(np.clip(-(-LEGIBLE // min(picture.shape[:2])), 1, 4))
    return draw_instances(
        picture, found.boxes, found.labels, classes, palette, scores=found.scores if with_scores else None,
        masks=found.masks, opacity=opacity, scale=scale,
    )  # fmt: skip
