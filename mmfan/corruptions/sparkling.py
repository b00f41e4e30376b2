"""Sparkles: white stars of many rays on the picture, or the picture inside one star on white."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.angles import angle_of
from mmfan.corruptions.compiled import vectorised
from mmfan.corruptions.draws import NORMAL_ONE, below, normals, uniform
from mmfan.corruptions.names import CBAR_STRENGTHS
from mmfan.corruptions.registry import Picture

Field = NDArray[np.float64]

_STARS = 5
_SPREAD = 0.25  # standard deviation of the rays' lengths, as a share of the radius
_RAYS = (50, 200)  # from, below


def sparkles(image: Picture, severity: int, seed: int) -> Picture:
    """Lay five white stars over the picture, each with 50 to 199 rays of random lengths.

    Source: ImageNet-C-bar; the light of a star is ``(1 - (f - 1/2)^2) l^2 / r^2``, clipped, with l the length of the
    ray and f the place between two rays.
    """
    height, width = image.shape[:2]
    radius = 0.01 * CBAR_STRENGTHS["sparkles"][severity - 1] * min(height, width)
    stars = []
    for star in range(_STARS):
        first = 5 * star
        centre = uniform(seed, first, 0, height), uniform(seed, first + 1, 0, width)
        stars.append((centre, np.maximum(_lengths(radius, seed, first + 2), 1.0)))
    return lay_stars(image, stars)


def inverse_sparkles(image: Picture, severity: int, seed: int) -> Picture:
    """Keep the picture inside one star of 50 to 199 rays, near the middle, and fade it to white outside.

    Source: ImageNet-C-bar; what is kept is ``(1 - (f - 1/2)^2) (l^2 / r^2)^(0.13 s)``, clipped.
    """
    height, width = image.shape[:2]
    centre = uniform(seed, 0, 0.25, 0.75) * height, uniform(seed, 1, 0.25, 0.75) * width
    lengths = _lengths(0.25 * min(height, width), seed, 2)
    return keep_star(image, centre, lengths, 0.13 * CBAR_STRENGTHS["inverse_sparkles"][severity - 1])


def _lengths(radius: float, seed: int, stream: int) -> Field:
    """Of the rays, in pixels; takes three streams."""
    count = _RAYS[0] + below(seed, stream, _RAYS[1] - _RAYS[0])
    draws = normals(seed, stream + 1, count).astype(np.float64)
    return radius * (1 + _SPREAD / NORMAL_ONE * draws)


def lay_stars(image: Picture, stars: list[tuple[tuple[float, float], Field]]) -> Picture:
    """White stars, each a centre (row, column) and the lengths of its rays in pixels."""
    height, width = image.shape[:2]
    dark = np.ones((height, width))
    for (row, column), lengths in stars:
        _darken(row, column, _closed(lengths), 1.0, dark)
    return _towards_white(image, dark)


def keep_star(image: Picture, centre: tuple[float, float], lengths: Field, exponent: float) -> Picture:
    """The picture inside a star and white outside; ``exponent`` says how steeply it ends."""
    dark = np.ones(image.shape[:2])
    _darken(centre[0], centre[1], _closed(lengths), exponent, dark)
    return _towards_white(image, 1 - dark)


def _closed(lengths: Field) -> Field:
    # the last angle is the first one again; one more entry for an angle of exactly pi
    return np.concatenate([lengths, lengths[:2]])


def _towards_white(image: Picture, share: Field) -> Picture:
    out = np.empty_like(image)
    height, width = image.shape[:2]
    _blend(image.reshape(height, width, -1), share, out.reshape(height, width, -1))
    return out


@vectorised
def _darken(row: float, column: float, lengths: Field, exponent: float, dark: Field) -> None:
    """Multiply ``dark`` by 1 minus the light of a star."""
    height, width = dark.shape
    scale = (lengths.size - 2) / (2 * math.pi)
    between, square, light = np.empty(width), np.empty(width), np.empty(width)
    rays = np.empty(width, np.uint32)
    for y in range(height):
        down = y - row
        for x in range(width):
            right = x - column
            place = (angle_of(right, down) + math.pi) * scale
            ray = np.floor(place)
            rays[x] = np.uint32(ray)
            between[x] = place - ray
            square[x] = 1.0 / (down * down + right * right + 1e-4)
        for x in range(width):
            start, end = lengths[rays[x]], lengths[rays[x] + np.uint32(1)]
            light[x] = start + between[x] * (end - start)
        for x in range(width):
            light[x] = light[x] * light[x] * square[x]
        if exponent != 1.0:
            for x in range(width):
                light[x] = light[x] ** exponent
        for x in range(width):
            middle = between[x] - 0.5
            dark[y, x] *= 1.0 - min((1.0 - middle * middle) * light[x], 1.0)


@vectorised
def _blend(image: Picture, share: Field, out: Picture) -> None:
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                out[y, x, c] = 255.0 - share[y, x] * (255.0 - image[y, x, c])
