"""The objects of a drawn scene as COCO annotates them: boxes, polygons, and run lengths for crowds.

Categories carry COCO's own names and numbers, which leave gaps, and a rider is a person, as there.
"""

from typing import Any

import cv2
import numpy as np

from mmfan.datasets.cityscapes_labels import LABELS
from mmfan.datasets.miniature.scene import Scene

CATEGORIES: dict[str, int] = {
    "person": 1,
    "bicycle": 2,
    "car": 3,
    "motorcycle": 4,
    "bus": 6,
    "train": 7,
    "truck": 8,
}
"""COCO's name of a category -> its number there."""

CATEGORY_OF: dict[int, int] = {
    **{LABELS[name].id: number for name, number in CATEGORIES.items()},
    LABELS["rider"].id: CATEGORIES["person"],
}
"""Cityscapes label id -> category."""

SMALLEST_AREA = 16
"""Pixels; what is smaller is not annotated."""

CROWD_AREA = 200
"""Pixels; smaller ones of a category that stand close together are not told apart..."""

CROWD_SIZE = 3
"""... if there are at least so many of them: they become one crowd."""

CROWD_REACH = 4
"""Pixels between the boxes of neighbours in a crowd."""

_FINE = 4  # outlines are traced on a mask magnified by this


def outline(mask: np.ndarray) -> list[list[float]]:
    """The outer edge of each part of a mask as polygons, COCO's form.

    Args:
        mask: (H, W) bool.

    Returns:
        One flat list x, y, x, y, ... for each part, the largest first, in pixels, where pixel (0, 0) covers
        [0, 1) x [0, 1). Holes are not cut out, as in COCO.
    """
    fine = cv2.resize(mask.astype(np.uint8), None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    polygons = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True):
        # half a pixel of the original may be cut off a corner, so that the steps of a slanted edge become one line
        corners = cv2.approxPolyDP(contour, 0.5 * _FINE, closed=True)[:, 0].astype(np.float64)
        if len(corners) >= 3:
            polygons.append(np.round((corners + 0.5) / _FINE, 2).ravel().tolist())
    return polygons


def run_lengths(mask: np.ndarray) -> dict[str, list[int]]:
    """A mask as COCO's uncompressed run lengths: down the columns, beginning with a run of zeros.

    Args:
        mask: (H, W) bool.

    >>> run_lengths(np.array([[0, 1], [1, 1]], bool))
    {'counts': [1, 3], 'size': [2, 2]}
    """
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
    return {"counts": ([0] if flat[0] else []) + counts, "size": list(mask.shape)}


def box_of(mask: np.ndarray) -> list[int]:
    """[x, y, width, height] of a mask in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    ]


def _near(one: list[int], other: list[int]) -> bool:
    return all(
        one[axis] <= other[axis] + other[axis + 2] + CROWD_REACH
        and other[axis] <= one[axis] + one[axis + 2] + CROWD_REACH
        for axis in (0, 1)
    )


def crowds(boxes: list[list[int]]) -> list[list[int]]:
    """Which of some small boxes stand so close, one beside the next, that they make a crowd.

    Args:
        boxes: [x, y, width, height] each.

    Returns:
        Positions of the members of each crowd, rising.
    """
    groups: list[list[int]] = []
    for number, box in enumerate(boxes):
        joined = [group for group in groups if any(_near(box, boxes[member]) for member in group)]
        groups = [group for group in groups if group not in joined]
        groups.append(sorted([number, *(member for group in joined for member in group)]))
    return [group for group in groups if len(group) >= CROWD_SIZE]


def annotate(scene: Scene) -> list[dict[str, Any]]:
    """The objects of a scene in COCO's form, without ``id`` and ``image_id``.

    Args:
        scene: The drawn picture with its labels.

    Returns:
        One dict for each object or crowd: ``category_id``, ``bbox`` ([x, y, width, height], pixels), ``area`` (pixels),
        ``iscrowd``, and ``segmentation``, polygons for an object and run lengths for a crowd.
    """
    numbers = [int(number) for number in np.unique(scene.instance_ids) if number // 1000 in CATEGORY_OF]
    masks = {number: scene.instance_ids == number for number in numbers}
    found: list[dict[str, Any]] = []
    small: dict[int, list[int]] = {}
    for number in numbers:
        category, area = CATEGORY_OF[number // 1000], int(masks[number].sum())
        if area < CROWD_AREA:
            small.setdefault(category, []).append(number)
        else:
            found.append(_single(category, masks[number]))
    for category, members in sorted(small.items()):
        groups = crowds([box_of(masks[number]) for number in members])
        for group in groups:
            mask = np.logical_or.reduce([masks[members[place]] for place in group])
            found.append(_crowd(category, mask))
        together = {members[place] for group in groups for place in group}
        alone = [masks[number] for number in members if number not in together]
        found += [_single(category, mask) for mask in alone if mask.sum() >= SMALLEST_AREA]
    return [entry for entry in found if entry["segmentation"]]


def _single(category: int, mask: np.ndarray) -> dict[str, Any]:
    return {
        "category_id": category,
        "bbox": box_of(mask),
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": outline(mask),
    }


def _crowd(category: int, mask: np.ndarray) -> dict[str, Any]:
    return {**_single(category, mask), "iscrowd": 1, "segmentation": run_lengths(mask)}
