"""Boxes of patches: a square of a share of a picture, and the larger one around it whose pixels no score counts.

Free of torch.
"""

from __future__ import annotations

from math import floor, sqrt
from typing import NamedTuple

from mmfan.corruptions.draws import below
from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.settings import CENTRE


class Box(NamedTuple):
    """Pixels of a picture: rows from ``top`` to before ``bottom``, columns from ``left`` to before ``right``."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def scaled(self, size: tuple[int, int], wanted: tuple[int, int]) -> Box:
        """All pixels that it touches where a picture of ``size`` (height, width) is brought to the size ``wanted``.

        >>> Box(1, 2, 3, 4).scaled((10, 10), (25, 5))
        Box(top=2, left=1, bottom=8, right=2)
        """
        (high, wide), (rows, columns) = size, wanted
        return Box(
            self.top * rows // high, self.left * columns // wide,
            -(-self.bottom * rows // high), -(-self.right * columns // wide),
        )  # fmt: skip


def side_of(area: float, size: tuple[int, int]) -> int:
    """The side, in pixels, of a square with so many percent of the pixels of a picture of ``size`` (height, width).

    >>> side_of(4, (100, 400))
    40
    """
    return max(1, floor(sqrt(area / 100 * size[0] * size[1]) + 0.5))


def boxes_of(area: float, left_out: float, size: tuple[int, int], place: str, seed: int) -> tuple[Box, Box]:
    """The box of a patch, and the one around it that is left out of the scores, both with one middle.

    The one left out is placed, so that patches of all areas up to it lie in the same spot.

    Args:
        area: Of the patch, in percent of the picture; not more than ``left_out``.
        left_out: Of the box around it.
        size: Height and width of the picture.
        place: One of :data:`mmfan.evaluation.attacks.settings.PLACES`.
        seed: Of the picture, for a place that is drawn: evenly from those where the box fits.

    Raises:
        MMFanError: The box around is wider or higher than the picture.

    >>> boxes_of(1, 4, (100, 100), "centre", 0)
    (Box(top=45, left=45, bottom=55, right=55), Box(top=40, left=40, bottom=60, right=60))
    """
    around, side = side_of(left_out, size), side_of(area, size)
    room = size[0] - around, size[1] - around
    if min(room) < 0:
        raise MMFanError(
            f"A square of {left_out:g} % of a picture of {size[1]}x{size[0]} (width x height) has a side of {around} "
            "and does not fit: take a smaller area."
        )
    if place == CENTRE:
        top, left = room[0] // 2, room[1] // 2
    else:
        top, left = (below(seed, stream, free + 1) for stream, free in enumerate(room))
    margin = (around - side) // 2
    return (
        Box(top + margin, left + margin, top + margin + side, left + margin + side),
        Box(top, left, top + around, left + around),
    )
