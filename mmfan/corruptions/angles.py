"""Sine, cosine and angle as plain IEEE arithmetic: the same bits on every machine, and fast because loops vectorise.

The functions of the system's library differ in the last bit from machine to machine, which a level of grey can hang on.
Errors are below 1e-10 (of the angle 1e-8), far below what a level can show. Angles are in radians.
"""

from __future__ import annotations

import math

import numpy as np

from mmfan.corruptions.compiled import inlined

# pi in two parts, the first with 26 bits, so that products with whole numbers up to 2**26 are exact
_PI_HIGH = 3.1415926218032837
_PI_LOW = math.pi - _PI_HIGH + 1.2246467991473532e-16
_QUARTER = math.pi / 4
_TAN_EIGHTH = math.tan(math.pi / 8)


@inlined
def sine(x: float) -> float:
    """Sine of a number below 2**26; its Taylor polynomial on a quarter of the circle on both sides of 0."""
    turns = np.floor(x * (1 / math.pi) + 0.5)
    r = (x - turns * _PI_HIGH) - turns * _PI_LOW
    s = r * r
    even = 1.0 - 2.0 * (turns - 2.0 * np.floor(turns * 0.5))
    value = -1 / 1307674368000
    value = value * s + 1 / 6227020800
    value = value * s - 1 / 39916800
    value = value * s + 1 / 362880
    value = value * s - 1 / 5040
    value = value * s + 1 / 120
    value = value * s - 1 / 6
    return even * (r + r * s * value)


@inlined
def cosine(x: float) -> float:
    """Cosine, as :func:`sine` shifted by a quarter of the circle."""
    return sine(x + 0.5 * math.pi)


@inlined
def angle_of(y: float, x: float) -> float:
    """Angle of the point (x, y), from -pi to pi; 0 for the origin and what is nearer to it than 1e-300."""
    across, up = abs(x), abs(y)
    longer = max(max(across, up), 1e-300)
    ratio = min(across, up) / longer
    steep = ratio > _TAN_EIGHTH
    z = (ratio - 1.0) / (ratio + 1.0) if steep else ratio
    s = z * z
    value = -1 / 19
    value = value * s + 1 / 17
    value = value * s - 1 / 15
    value = value * s + 1 / 13
    value = value * s - 1 / 11
    value = value * s + 1 / 9
    value = value * s - 1 / 7
    value = value * s + 1 / 5
    value = value * s - 1 / 3
    angle = z + z * s * value + (_QUARTER if steep else 0.0)
    angle = 0.5 * math.pi - angle if up > across else angle
    angle = math.pi - angle if x < 0 else angle
    return -angle if y < 0 else angle
