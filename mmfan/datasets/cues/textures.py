"""Textures of classes: the largest box that lies within a class, and its tiling by mirror images."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
LEAST_SIDE = 16  # pixels; what is narrower, a pole or a wire, shows its edges rather than a texture


class Texture(NamedTuple):
    """What a class looks like within.

    Attributes:
        label: Number of the class.
        tile: (h, w, 3), uint8.
    """

    label: int
    tile: Picture


class Box(NamedTuple):
    """A part of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int


def largest_box(mask: NDArray[np.bool_]) -> Box:
    """A large box within a mask: the largest square, grown to all sides while it stays within.

    The square has an odd side; of several the first is taken, row by row. It is grown up and down and then to the
    sides, or the other way round, whichever gives more pixels.

    Args:
        mask: (H, W), True within.

    Returns:
        The box; without pixels where nothing is within.

    >>> mask = np.zeros((9, 12), bool)
    >>> mask[2:8, 1:11] = True
    >>> largest_box(mask)
    Box(top=2, left=1, height=6, width=10)
    """
    if not mask.any():
        return Box(0, 0, 0, 0)
    # beyond the border nothing is within, which OpenCV takes otherwise
    padded = np.pad(mask.view(np.uint8), 1)
    away = cv2.distanceTransform(padded, cv2.DIST_C, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(away)), mask.shape)
    reach = round(float(away[row, column])) - 1
    square = (int(row) - reach, int(row) + reach + 1, int(column) - reach, int(column) + reach + 1)
    tall = _grown(mask, square)
    top, bottom, left, right = _grown(mask.T, (*square[2:], *square[:2]))
    wide = (left, right, top, bottom)
    best = max((tall, wide), key=lambda box: (box[1] - box[0]) * (box[3] - box[2]))
    return Box(best[0], best[2], best[1] - best[0], best[3] - best[2])


def _grown(mask: NDArray[np.bool_], box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """First and last row (exclusive) and column, grown over the rows first."""
    top, bottom, left, right = box
    rows: NDArray[np.bool_] = np.all(mask[:, left:right], axis=1)
    top, bottom = _run(rows, top, bottom)
    columns: NDArray[np.bool_] = np.all(mask[top:bottom], axis=0)
    return (top, bottom, *_run(columns, left, right))


def _run(full: NDArray[np.bool_], first: int, end: int) -> tuple[int, int]:
    """The run of True around a part of it."""
    before, behind = np.flatnonzero(~full[:first]), np.flatnonzero(~full[end:])
    return (int(before[-1]) + 1 if before.size else 0), (end + int(behind[0]) if behind.size else len(full))


def textures_of(
    picture: Picture, labels: NDArray[np.uint8], ignore_index: int = 255, least_side: int = LEAST_SIDE
) -> tuple[Texture, ...]:
    """The textures of a picture: of each class, its largest box; in the order of the classes.

    Args:
        picture: (H, W, 3).
        labels: (H, W) class numbers.
        ignore_index: Number of pixels that do not count.
        least_side: Classes without a box of this side have none.
    """
    found = []
    for label in np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).tolist():
        if label == ignore_index:
            continue
        top, left, height, width = largest_box(labels == label)
        if min(height, width) >= least_side:
            found.append(Texture(label, picture[top : top + height, left : left + width]))
    return tuple(found)


def mirrored(tile: Picture, height: int, width: int) -> Picture:
    """A tile laid out over an area, every second one mirrored, so that no edge shows.

    Args:
        tile: (h, w) or (h, w, 3), of any size above 0.
        height: Of the area, in pixels.
        width: Of the area, in pixels.

    Returns:
        (height, width) or (height, width, 3).

    >>> mirrored(np.array([[1, 2, 3]], np.uint8), 1, 8).tolist()
    [[1, 2, 3, 3, 2, 1, 1, 2]]
    """
    rows, columns = (_there_and_back(side, length) for side, length in zip(tile.shape, (height, width), strict=False))
    return tile[rows][:, columns]


def _there_and_back(side: int, length: int) -> NDArray[np.intp]:
    place = np.arange(length) % (2 * side)
    return np.minimum(place, 2 * side - 1 - place)
