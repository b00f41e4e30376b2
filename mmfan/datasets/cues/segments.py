"""Segments of a label map: what is of one class and hangs together."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray


class Segment(NamedTuple):
    """What is of one class and hangs together, corners included.

    Attributes:
        number: Of the segment in the map of numbers, from 1 on.
        label: Number of its class.
        area: Pixels.
        top: First row.
        left: First column.
        height: Rows from the first to the last.
        width: Columns from the first to the last.
    """

    number: int
    label: int
    area: int
    top: int
    left: int
    height: int
    width: int

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns, to index a picture with."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def number_segments(labels: NDArray[np.uint8]) -> tuple[NDArray[np.int32], tuple[Segment, ...]]:
    """Number the segments of a label map: by class, then from the top, then from the left.

    Args:
        labels: (H, W) class numbers; those of pixels that do not count are a class like any other here.

    Returns:
        (H, W) numbers from 1 on, which every pixel has, and the segments in their order.

    >>> numbers, segments = number_segments(np.array([[0, 0, 1], [0, 1, 1], [1, 0, 0]], np.uint8))
    >>> numbers.tolist()
    [[1, 1, 2], [1, 2, 2], [2, 1, 1]]
    >>> [(one.label, one.area) for one in segments]
    [(0, 5), (1, 4)]
    """
    numbers = np.zeros(labels.shape, np.int32)
    segments: list[Segment] = []
    for label in np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).tolist():
        mask = (labels == label).view(np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
        # OpenCV's own order is a matter of how it searches
        begins = {part: (int(top), _first_column(parts[top], part)) for part, top in enumerate(stats[:, 1]) if part}
        table = np.zeros(count, np.int32)
        for part in sorted(begins, key=lambda part: begins[part]):
            table[part] = len(segments) + 1
            left, top, width, height, area = map(int, stats[part])
            segments.append(Segment(len(segments) + 1, label, area, top, left, height, width))
        numbers += table[parts]
    return numbers, tuple(segments)


def _first_column(row: NDArray[np.int32], part: int) -> int:
    return int(np.argmax(row == part))
