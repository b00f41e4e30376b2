"""Bad weather over a painted street: its light, and what lies on the ground and falls through the air.

The street is the one of the clear picture: no thing is elsewhere, and the labels are the same but for the few pixels of
lamps that are lit. What changes is the light and what stands between things and camera. Chance comes from a generator
of its own, so that a clear picture is what it was before there was weather.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from mmfan.datasets.miniature.render.day import Light
from mmfan.errors import MMFanError

CONDITIONS = ("fog", "night", "rain", "snow")


class Weather:
    """The weather of one picture.

    Args:
        condition: One of :data:`CONDITIONS`.
        rng: The only source of its chance.

    Raises:
        MMFanError: There is no such condition.
    """

    def __init__(self, condition: str, rng: np.random.Generator) -> None:
        if condition not in CONDITIONS:
            raise MMFanError(f"Expected a condition of {', '.join(CONDITIONS)}, got {condition!r}.")
        self.condition = condition
        self._rng = rng

    def light(self, clear: Light) -> Light:
        """The light under this weather, in the place of that of the clear picture."""
        rng = self._rng
        if self.condition == "night":
            glow = np.array([0.030, 0.027, 0.026]) * rng.uniform(0.7, 1.5)  # of the town, on the clouds
            return dataclasses.replace(
                clear,
                sun_colour=np.zeros(3),
                ambient=np.array([0.050, 0.050, 0.060]) * rng.uniform(0.6, 1.4),
                zenith=np.array([0.006, 0.008, 0.016]),
                horizon=glow,
                haze=rng.uniform(90, 260),
                clouds=0.0,
                exposure=rng.uniform(1.5, 2.4),
                noise=rng.uniform(4.5, 8.0),
                dark=1.0,
            )
        grey = rng.uniform(0.45, 0.62) if self.condition == "rain" else rng.uniform(0.62, 0.80)
        haze = {"fog": (11, 34), "rain": (60, 150), "snow": (38, 110)}[self.condition]
        return dataclasses.replace(
            clear,
            sun_colour=np.zeros(3),
            ambient=grey * np.array([0.96, 1.0, 1.06]),
            zenith=grey * np.array([0.80, 0.84, 0.90]),
            horizon=grey * np.array([0.95, 0.97, 1.0]),
            haze=rng.uniform(*haze),
            clouds=1.0,
            exposure=rng.uniform(0.95, 1.15),
            noise=clear.noise * (1.5 if self.condition == "rain" else 1.0),
            dark=rng.uniform(0.1, 0.45),
        )

    def cover(self, albedo: np.ndarray, level: np.ndarray, place: np.ndarray, texture: np.ndarray) -> None:
        """Lay snow on what is level, in place.

        Args:
            albedo: Linear colours of things, (3, H, W).
            level: How level each place is, (H, W), 0 to 1.
            place: Where it is in the world, (3, H, W), metres; the ruts of the carriageway run along its middle.
            texture: (H, W), 0 to 1, coarse in the world: where the snow is thin.
        """
        if self.condition != "snow":
            return
        lying = self._rng.uniform(0.55, 0.95)
        worn = np.exp(-(np.square(np.abs(place[0]) - np.float32(1.1)) / np.float32(0.35)))  # by wheels
        share = level * np.clip(lying + (texture - 0.5) * np.float32(0.9) - worn * np.float32(0.55), 0, 1)
        for plane, white in zip(albedo, (0.80, 0.83, 0.88), strict=True):
            plane += (np.float32(white) - plane) * share

    def beam(self, albedo: np.ndarray, place: np.ndarray) -> np.ndarray | None:
        """What the camera car's own headlights show, linear (3, H, W); None but at night."""
        if self.condition != "night":
            return None
        ahead = np.maximum(place[2], np.float32(0.5))
        spread = np.float32(1.6) + np.float32(0.16) * ahead
        width = np.exp(-np.square(place[0] / spread))
        height = np.clip(np.float32(1.5) - place[1] * np.float32(0.45), 0.06, 1)
        strength = np.float32(self._rng.uniform(0.35, 0.65)) / (1 + np.square(ahead / np.float32(14)))
        return albedo * (strength * width * height) * np.array([1.0, 0.96, 0.86], np.float32)[:, None, None]

    def wet(self, lit: np.ndarray, ground: np.ndarray, horizon: float) -> None:
        """Mirror what stands above the horizon in the wet ground, in place; blurred along the columns.

        Args:
            lit: Linear picture, (3, H, W).
            ground: Where the ground is, (H, W) bool.
            horizon: Its row, in pixels.
        """
        if self.condition != "rain":
            return
        height, width = ground.shape
        rows = np.clip(2 * horizon - np.arange(height, dtype=np.float32), 0, height - 1)
        columns = np.arange(width, dtype=np.float32)
        # near the camera one looks down into the water, and it mirrors less
        grazing = np.clip(
            1.25 - (np.arange(height, dtype=np.float32) - horizon) / np.float32(height - horizon + 1), 0.3, 1
        )
        share = (ground * (grazing * np.float32(self._rng.uniform(0.35, 0.6)))[:, None]).astype(np.float32)
        grid = np.broadcast_to(columns, (height, width)).copy(), np.repeat(rows[:, None], width, 1)
        for plane in lit:
            mirrored = cv2.remap(np.ascontiguousarray(plane), *grid, cv2.INTER_LINEAR)
            mirrored = cv2.GaussianBlur(mirrored, (0, 0), sigmaX=0.8, sigmaY=height / 40)
            plane *= 1 - np.float32(0.45) * ground  # wet things are darker
            plane += (mirrored - plane) * share

    def fall(self, image: np.ndarray) -> np.ndarray:
        """Rain or snow in the air, over the finished 8-bit picture."""
        if self.condition not in ("rain", "snow"):
            return image
        height, width = image.shape[:2]
        rain = self.condition == "rain"
        veil = np.zeros((height, width), np.uint8)
        count = int(width * height * self._rng.uniform(0.6, 1.4) * (1 / 900 if rain else 1 / 700))
        slant = self._rng.normal(0, 0.12)
        nearness = self._rng.uniform(0.15, 1, count) ** 2  # many are far, few are near
        x, y = self._rng.uniform(0, width, count), self._rng.uniform(-0.05, 1.05, count) * height
        for near, left, top in zip(nearness, x, y, strict=True):
            if rain:
                length = near * height / 7 + 2
                ends = (int(left), int(top)), (int(left + slant * length), int(top + length))
                cv2.line(veil, *ends, int(50 + 90 * near), 1, cv2.LINE_AA)
            else:
                size = max(near * height / 70, 0.6)
                cv2.circle(veil, (int(left * 8), int(top * 8)), int(size * 8), int(150 + 90 * near), -1, cv2.LINE_AA, 3)
        veil = cv2.GaussianBlur(veil, (0, 0), 0.6)
        share = veil.astype(np.float32)[..., None] * np.float32((0.5 if rain else 0.95) / 255)
        return np.clip(image + (np.float32(225 if rain else 245) - image) * share, 0, 255).astype(np.uint8)
