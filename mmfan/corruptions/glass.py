"""Glass: every pixel takes the colour of one close by, between two slight blurs."""

from __future__ import annotations

import numpy as np
from numba import int64

from mmfan.corruptions.blur import blurred
from mmfan.corruptions.compiled import compiled
from mmfan.corruptions.draws import stream_key, word
from mmfan.corruptions.names import PARAMETERS
from mmfan.corruptions.registry import Picture

_MASK = np.uint64(0xFFFF)
_SHIFT = np.uint64(16)


def glass_blur(image: Picture, severity: int, seed: int) -> Picture:
    """Blur, let every pixel take the colour of one close by, blur again.

    Meant as a swap of the two pixels, it is a copy in the reference: the assignment of one row view to another loses
    the second value. Published numbers were made with the copy, and so is this. It goes from the lower right to the
    upper left in place, so that colours can travel further than one displacement.

    Source: ImageNet-C.
    """
    sigma, reach, passes = PARAMETERS["glass_blur"][severity - 1]
    shaken = blurred(image, sigma)
    _shake(shaken.reshape(*image.shape[:2], -1), reach, passes, stream_key(seed, 0))
    return blurred(shaken, sigma)


@compiled
def _shake(image: Picture, reach: int, passes: int, key: np.uint64) -> None:
    height, width, channels = image.shape
    span = np.uint64(2 * reach)
    draws = 0
    bits = word(key, 0)
    for _ in range(passes):
        for y in range(height - reach, reach, -1):
            for x in range(width - reach, reach, -1):
                # 16 bits a coordinate, so one word serves two pixels
                if draws & 1 == 0:
                    bits = word(key, draws >> 1)
                draws += 1
                dx = int64(((bits & _MASK) * span) >> _SHIFT) - reach
                bits >>= _SHIFT
                dy = int64(((bits & _MASK) * span) >> _SHIFT) - reach
                bits >>= _SHIFT
                for c in range(channels):
                    image[y, x, c] = image[y + dy, x + dx, c]
