"""Tileable textures and tree crowns, drawn once per process from fixed seeds and then only looked up."""

from functools import lru_cache

import cv2
import numpy as np

TILE = 512
"""Side of the texture tile in texels."""

CHANNELS = ("fine", "cloud", "brick", "leaf")
"""What the four channels of :func:`texture_tile` hold."""

GRAINS: dict[str, tuple[float, tuple[float, float, float, float]]] = {
    "plain": (20.0, (0.03, 0.06, 0.0, 0.0)),
    "smooth": (12.0, (0.0, 0.03, 0.0, 0.0)),
    "asphalt": (30.0, (0.16, 0.16, 0.0, 0.0)),
    "slabs": (13.0, (0.10, 0.10, 0.22, 0.0)),
    "cobbles": (40.0, (0.10, 0.12, 0.45, 0.0)),
    "brick": (36.0, (0.12, 0.14, 0.40, 0.0)),
    "stone": (16.0, (0.16, 0.22, 0.45, 0.0)),
    "plaster": (14.0, (0.06, 0.16, 0.0, 0.0)),
    "grass": (34.0, (0.25, 0.25, 0.0, 0.28)),
    "soil": (18.0, (0.25, 0.35, 0.0, 0.1)),
    "leaf": (44.0, (0.10, 0.15, 0.0, 0.50)),
    "cloth": (60.0, (0.08, 0.06, 0.0, 0.0)),
}
"""Material -> (texels per metre, strength of each channel as a share of the brightness)."""


def tileable_noise(rng: np.random.Generator, cells: int, octaves: int, gain: float = 0.5) -> np.ndarray:
    """Smooth noise that repeats without a seam: shape (TILE, TILE), float32, mean 0, standard deviation 1.

    Args:
        rng: Source of the random values.
        cells: Blobs across the tile in the coarsest octave; a power of two.
        octaves: Number of octaves, each with twice the blobs of the one before.
        gain: Strength of an octave over the one before.
    """
    total = np.zeros((TILE, TILE), np.float32)
    for octave in range(octaves):
        side = min(cells << octave, TILE)
        grid = rng.standard_normal((side, side)).astype(np.float32)
        border = 2
        wide = np.pad(grid, border, mode="wrap")
        step = TILE // side
        grown = cv2.resize(wide, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        edge = border * step
        total += gain**octave * grown[edge : edge + TILE, edge : edge + TILE]
    return (total - total.mean()) / total.std()


def _bricks(rng: np.random.Generator, width: int = 16, height: int = 8, joint: int = 1) -> np.ndarray:
    """Courses of bricks with joints, each brick of its own brightness; values around 0, joints at -2."""
    rows, columns = TILE // height, TILE // width
    tone = rng.standard_normal((rows, columns)).astype(np.float32) * 0.6
    picture = np.repeat(np.repeat(tone, height, axis=0), width, axis=1)
    for row in range(rows):
        top = row * height
        shift = (row % 2) * width // 2
        picture[top : top + height] = np.roll(picture[top : top + height], shift, axis=1)
        picture[top : top + height, [(shift + k * width + j) % TILE for k in range(columns) for j in range(joint)]] = -2
        picture[top : top + joint] = -2
    return cv2.GaussianBlur(picture, (0, 0), 0.6, borderType=cv2.BORDER_REFLECT)


@lru_cache(maxsize=1)
def texture_tile() -> np.ndarray:
    """The texture tile, shape (TILE, TILE, 4), uint8; 128 means "no change", one channel for each of CHANNELS."""
    rng = np.random.default_rng(20011)
    fine = tileable_noise(rng, 128, 3, 0.8)
    cloud = tileable_noise(rng, 4, 6, 0.6)
    leaf = np.tanh(1.2 * tileable_noise(rng, 32, 4, 0.7))
    layers = np.stack([fine * 0.45, cloud * 0.45, _bricks(rng) * 0.45, leaf], axis=-1)
    return np.clip(128 + 127 * layers, 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def crowns() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Sixteen tree crowns, the second half mirrored: (coverage, brightness) pairs of shape (160, 160), uint8.

    Coverage is 0 or 255; brightness is 0 (deep shade) to 255 (lit leaves), lit from above.
    """
    rng = np.random.default_rng(20012)
    side = 160
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / (side / 2) - 1
    drawn = []
    for _ in range(8):
        level: np.ndarray = np.full((side, side), -1.0, np.float32)
        light: np.ndarray = np.zeros((side, side), np.float32)
        for _ in range(34):
            angle, reach = rng.uniform(0, 2 * np.pi), 0.66 * np.sqrt(rng.uniform())
            cx, cy, radius = reach * np.cos(angle), reach * np.sin(angle) * 0.95, rng.uniform(0.16, 0.36)
            ball = 1 - ((x - cx) ** 2 + (y - cy) ** 2) / radius**2
            tone = 0.50 - 0.42 * (y - cy) / radius - 0.28 * cy + rng.uniform(-0.10, 0.10)
            light = np.where(ball > level, tone, light)
            level = np.maximum(level, ball)
        ragged = tileable_noise(rng, 32, 4, 0.8)[:side, :side]
        clumps = tileable_noise(rng, 64, 3, 0.8)[:side, :side]
        cover = (level + 0.22 * ragged > 0.02).astype(np.uint8) * 255
        light = cv2.GaussianBlur(light, (0, 0), 1.5) + 0.14 * clumps
        drawn.append((cover, np.clip(255 * light, 0, 255).astype(np.uint8)))
    drawn += [(np.ascontiguousarray(cover[:, ::-1]), np.ascontiguousarray(light[:, ::-1])) for cover, light in drawn]
    return tuple(drawn)
