"""Plasma noise: coloured swirls of nested sine waves over the picture."""

from __future__ import annotations

import math

import numpy as np

from mmfan.corruptions.angles import cosine, sine
from mmfan.corruptions.compiled import vectorised
from mmfan.corruptions.draws import below, uniform
from mmfan.corruptions.names import CBAR_STRENGTHS
from mmfan.corruptions.registry import Picture

_FINER = 1.93  # frequency of a round over that of the one before
_CALMER = 1.15  # what the time is divided by, round by round
_TWIST = 0.3


def plasma_noise(image: Picture, severity: int, seed: int) -> Picture:
    """Add three related fields of swirls, one a channel; a grey picture gets the first.

    Places are displaced by sine waves in four to six rounds, each finer than the one before; the fields are sines of
    where they end up. The unit of length is between 7.5 and 20 percent of the shorter side.

    Source: ImageNet-C-bar, ``(1 - i / 255) x + i * plasma`` with ``i = 6.4 s``.
    """
    return add_plasma(
        image,
        uniform(seed, 0, 0, 6 * math.pi),
        4 + below(seed, 1, 3),
        uniform(seed, 2, 0.5, 1),
        uniform(seed, 3, 0.075, 0.2) * min(image.shape[:2]),
        6.4 * CBAR_STRENGTHS["plasma_noise"][severity - 1],
    )


def add_plasma(image: Picture, time: float, rounds: int, sharpness: float, unit: float, intensity: float) -> Picture:
    """Add a plasma; ``unit`` is in pixels, ``intensity`` in grey levels."""
    out = np.empty_like(image)
    height, width = image.shape[:2]
    source, target = image.reshape(height, width, -1), out.reshape(height, width, -1)
    _add(source, time, rounds, sharpness, 1 / unit, intensity, target)
    return out


@vectorised
def _add(
    image: Picture, time: float, rounds: int, sharpness: float, scale: float, intensity: float, out: Picture
) -> None:
    height, width, channels = image.shape
    across, down, wave = np.empty(width), np.empty(width), np.empty(width)
    shift = sine(time)
    kept = 1.0 - intensity / 255.0
    for y in range(height):
        for x in range(width):
            across[x] = x * scale
            down[x] = y * scale
        frequency, calm, damping = 1.0, 1.0, 1.0
        for _ in range(rounds):
            phase, weight = time / calm, 1.0 / damping
            for x in range(width):
                a = weight * cosine(down[x] * frequency + phase)
                b = weight * sine(across[x] * frequency + phase)
                across[x] += a - _TWIST * b
                down[x] += b + _TWIST * a
            frequency *= _FINER
            calm *= _CALMER
            damping *= 2.25 - sharpness
        for c in range(channels):
            for x in range(width):
                if c == 0:
                    place = across[x] - time
                elif c == 1:
                    place = (across[x] + down[x] + shift) * 0.5
                else:
                    place = down[x] + time
                wave[x] = intensity * sine(place)
            for x in range(width):
                out[y, x, c] = min(max(kept * image[y, x, c] + wave[x], 0.0), 255.0)
