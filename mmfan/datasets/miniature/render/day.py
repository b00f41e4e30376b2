"""Time of day: where the sun stands, the colours of sky and haze, what the camera makes of them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Light:
    """The light of one picture. Colours are linear RGB.

    Args:
        sun: Unit vector towards the sun (X, Y, Z).
        sun_colour: Strength of direct sunlight on a surface that faces it; zero under clouds.
        ambient: Light from the sky.
        zenith: Colour of the sky overhead.
        horizon: Colour of the sky at the horizon and of the haze.
        haze: Distance in metres at which haze has swallowed 63 % of a thing's own colour.
        clouds: Share of the sky under clouds, 0 to 1.
        exposure: Gain before the tone curve.
        balance: White-balance gains (R, G, B).
        noise: Standard deviation of the sensor noise, in 8-bit steps.
        dark: 0 by day to 1 at dusk; lamps and windows are lit by it.
    """

    sun: np.ndarray
    sun_colour: np.ndarray
    ambient: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    haze: float
    clouds: float
    exposure: float
    balance: np.ndarray
    noise: float
    dark: float


def sample_light(rng: np.random.Generator) -> Light:
    """Draw a time of day: sunny, overcast or late."""
    kind = rng.choice(3, p=(0.52, 0.30, 0.18))
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.deg2rad(rng.uniform(26, 62) if kind == 0 else rng.uniform(9, 22))
    sun = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
    balance = np.exp(rng.normal(0, 0.045, 3) * (1.0, 0.35, 1.2))
    noise = rng.uniform(0.8, 2.6)
    if kind == 0:
        warmth = rng.uniform(0, 1)
        sun_colour = rng.uniform(1.15, 1.5) * np.array([1.0, 0.95 - 0.05 * warmth, 0.86 - 0.16 * warmth])
        ambient = rng.uniform(0.30, 0.42) * np.array([0.86, 0.96, 1.14])
        zenith = np.array([0.10, 0.24, 0.58]) * rng.uniform(0.8, 1.25)
        horizon = np.array([0.52, 0.66, 0.84]) * rng.uniform(0.85, 1.1)
        haze, clouds, dark = rng.uniform(110, 420), rng.uniform(0.0, 0.65), 0.0
    elif kind == 1:
        grey = rng.uniform(0.55, 0.85)
        sun_colour = np.full(3, rng.uniform(0.0, 0.12))
        ambient = grey * np.array([0.96, 1.0, 1.05])
        zenith = grey * np.array([0.62, 0.68, 0.76])
        horizon = grey * np.array([0.92, 0.95, 0.98])
        haze, clouds, dark = rng.uniform(55, 220), 1.0, rng.uniform(0, 0.3)
    else:
        sun_colour = rng.uniform(0.45, 0.85) * np.array([1.0, 0.62, 0.34])
        ambient = rng.uniform(0.24, 0.36) * np.array([0.86, 0.90, 1.14])
        zenith = np.array([0.12, 0.17, 0.36]) * rng.uniform(0.8, 1.2)
        horizon = np.array([0.88, 0.58, 0.38]) * rng.uniform(0.6, 1.0)
        haze, clouds, dark = rng.uniform(80, 260), rng.uniform(0.1, 0.8), rng.uniform(0.5, 1.0)
    exposure = rng.uniform(0.85, 1.25) * (1.0 + 0.35 * dark)
    return Light(sun, sun_colour, ambient, zenith, horizon, haze, clouds, exposure, balance, noise, dark)
