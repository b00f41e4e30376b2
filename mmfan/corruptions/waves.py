"""Waves over the picture: of a single frequency, and around a point."""

from __future__ import annotations

import math

import numpy as np

from mmfan.corruptions.angles import angle_of, cosine, sine
from mmfan.corruptions.compiled import vectorised
from mmfan.corruptions.draws import below, uniform
from mmfan.corruptions.names import CBAR_STRENGTHS
from mmfan.corruptions.registry import Picture


def single_frequency_greyscale(image: Picture, severity: int, seed: int) -> Picture:
    """Add a plane wave, the same in all channels.

    Its frequency along one side is uniform up to half a cycle a pixel, the other no higher; which is which, and the
    phase, are drawn too.

    Source: ImageNet-C-bar, ``x + 19.6 s sin(fx x + fy y + phase)``.
    """
    higher = uniform(seed, 0, -math.pi, math.pi)
    lower = uniform(seed, 1, -abs(higher), abs(higher))
    across, down = (higher, lower) if below(seed, 2, 2) else (lower, higher)
    amplitude = 19.6 * CBAR_STRENGTHS["single_frequency_greyscale"][severity - 1]
    return plane_wave(image, across, down, uniform(seed, 3, 0, 2 * math.pi), amplitude)


def plane_wave(image: Picture, across: float, down: float, phase: float, amplitude: float) -> Picture:
    """``image + amplitude * sin(across * x + down * y + phase)``, clipped; frequencies in radians a pixel."""
    out = np.empty_like(image)
    height, width = image.shape[:2]
    _add_plane_wave(image.reshape(height, width, -1), across, down, phase, amplitude, out.reshape(height, width, -1))
    return out


def cocentric_sine_waves(image: Picture, severity: int, seed: int) -> Picture:
    """Add saw-tooth rings around a point, whose radius swings with the angle; the same in all channels.

    The point is anywhere in the picture, the swing has up to 10 periods a turn and up to a tenth of the shorter side,
    and the rings are up to a tenth of it wide.

    Source: ImageNet-C-bar (the name is theirs), ``x + 12.8 s (((r + a sin(f angle)) mod w) / w - 1/2)``.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    return rings(
        image,
        (uniform(seed, 0, 0, height), uniform(seed, 1, 0, width)),
        uniform(seed, 2, 0, 10),
        uniform(seed, 3, 0, side / 10),
        side / 10 - uniform(seed, 4, 0, side / 10),  # never 0
        12.8 * CBAR_STRENGTHS["cocentric_sine_waves"][severity - 1],
    )


def rings(
    image: Picture, centre: tuple[float, float], periods: float, swing: float, ring: float, intensity: float
) -> Picture:
    """Add rings; ``centre`` is (row, column), ``swing`` and ``ring`` are in pixels."""
    out = np.empty_like(image)
    height, width = image.shape[:2]
    _add_rings(
        image.reshape(height, width, -1),
        centre[0],
        centre[1],
        periods,
        swing,
        ring,
        intensity,
        out.reshape(height, width, -1),
    )
    return out


@vectorised
def _add_plane_wave(image: Picture, across: float, down: float, phase: float, amplitude: float, out: Picture) -> None:
    height, width, channels = image.shape
    sines, cosines, wave = np.empty(width), np.empty(width), np.empty(width)
    for x in range(width):
        sines[x] = sine(across * x + phase)
        cosines[x] = cosine(across * x + phase)
    for y in range(height):
        row_sine, row_cosine = amplitude * sine(down * y), amplitude * cosine(down * y)
        for x in range(width):
            wave[x] = sines[x] * row_cosine + cosines[x] * row_sine
        for x in range(width):
            for c in range(channels):
                out[y, x, c] = min(max(image[y, x, c] + wave[x], 0.0), 255.0)


@vectorised
def _add_rings(
    image: Picture,
    centre_y: float,
    centre_x: float,
    periods: float,
    swing: float,
    ring: float,
    intensity: float,
    out: Picture,
) -> None:
    height, width, channels = image.shape
    wave = np.empty(width)
    for y in range(height):
        up = y - centre_y
        for x in range(width):
            right = x - centre_x
            radius = math.sqrt(right * right + up * up)
            turns = (radius + sine(angle_of(right, up) * periods) * swing) / ring
            wave[x] = intensity * (turns - np.floor(turns) - 0.5)
        for x in range(width):
            for c in range(channels):
                out[y, x, c] = min(max(image[y, x, c] + wave[x], 0.0), 255.0)
