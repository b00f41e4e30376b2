"""Checkerboard cut-out: squares of a turned board are blanked."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.angles import cosine, sine
from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import stream_key, uniform, words
from mmfan.corruptions.names import CBAR_STRENGTHS
from mmfan.corruptions.registry import Picture

_GREY = 128


def checkerboard_cutout(image: Picture, severity: int, seed: int) -> Picture:
    """Set a share of the black squares of a chess board to grey.

    The board is turned by any angle about the upper left corner; its squares are a tenth to a quarter of the shorter
    side.

    Source: ImageNet-C-bar.
    """
    height, width = image.shape[:2]
    square = max(uniform(seed, 1, 0.1, 0.25) * min(height, width), 1.0)
    share = 0.1 * CBAR_STRENGTHS["checkerboard_cutout"][severity - 1]
    # twice the diagonal on both axes; squares before the corner are counted from the end
    count = int(4 * max(height, width) / square)
    draws = words(stream_key(seed, 2), count * count) >> np.uint64(32)
    return blank_squares(
        image, uniform(seed, 0, 0, 2 * math.pi), square, (draws < np.uint64(share * 2**32)).reshape(count, count)
    )


def blank_squares(image: Picture, angle: float, square: float, blanked: NDArray[np.bool_]) -> Picture:
    """Blank the chosen black squares.

    Args:
        image: (H, W, 3) or (H, W).
        angle: Of the board, in radians.
        square: Its squares' side, in pixels.
        blanked: Which squares are blanked if they are black, by their two numbers, each rounded towards 0; negative
            numbers count from the end.
    """
    out = image.copy()
    height, width = image.shape[:2]
    _blank(cosine(angle) / square, sine(angle) / square, blanked, out.reshape(height, width, -1))
    return out


@compiled
def _blank(along: float, aside: float, blanked: NDArray[np.bool_], out: Picture) -> None:
    height, width, channels = out.shape
    for y in range(height):
        for x in range(width):
            down, right = along * y + aside * x, along * x - aside * y
            even = (int(np.floor(down)) ^ int(np.floor(right))) & 1 == 0
            if even and blanked[int(down), int(right)]:
                for c in range(channels):
                    out[y, x, c] = _GREY
