"""Trees, hedges and shrubs."""

import numpy as np

from mmfan.datasets.miniature.render.camera import NEAR
from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import stroke
from mmfan.datasets.miniature.render.textures import crowns

LEAF_COLOURS = ((62, 92, 38), (78, 104, 44), (52, 82, 46), (96, 112, 48), (116, 118, 52), (128, 104, 52), (104, 74, 50))
"""Mid tones of foliage, RGB; the last ones are autumn."""


_RAMP = np.linspace(0.30, 1.45, 256)[:, None]


def leaf_colour(rng: np.random.Generator, autumn: float) -> np.ndarray:
    """A foliage colour; ``autumn`` is the chance of a turning tree."""
    last = len(LEAF_COLOURS)
    pick = rng.integers(last - 3, last) if rng.uniform() < autumn else rng.integers(0, last - 3)
    return np.array(LEAF_COLOURS[pick]) * rng.uniform(0.8, 1.2)


def _blob(canvas: Canvas, surface: int, box: tuple[float, float, float, float], colour: np.ndarray, kind: int) -> None:
    """Stamp one crown into a picture box."""
    cover, tone = crowns()[kind % len(crowns())]
    ramp = np.clip(_RAMP * colour, 0, 255).astype(np.uint8)
    canvas.stamp(surface, box, cover, tone, ramp)


def draw_tree(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, height: float, colour: np.ndarray, trunk: bool = True
) -> None:
    """A tree at (x, z), ``height`` metres tall, with its shadow; hidden parts included."""
    foot = canvas.camera.to_view(np.array([x, 0.0, z]))
    if foot[2] < 2.5:
        return
    scale = canvas.camera.focal / foot[2]
    u, v = canvas.camera.to_picture(foot)
    surface = canvas.surface("vegetation", (0, 0, 0), (x, 0, z), grain="leaf")
    width = height * rng.uniform(0.55, 0.85)
    bottom = height * (rng.uniform(0.26, 0.4) if trunk else 0.0)
    if trunk:
        thick = max(height * 0.035, 0.12)
        bark = np.array((84, 70, 56)) * rng.uniform(0.7, 1.2)
        lean = rng.uniform(-0.15, 0.15)
        top = (u + lean * scale, v - (bottom + 0.3 * height) * scale)
        canvas.fill(surface, stroke((u, v), top, thick * scale), bark)
        canvas.fill(surface, stroke((u + 0.22 * thick * scale, v), top, thick * 0.5 * scale), bark * 0.7)
        u += lean * scale
    crown_height = height - bottom
    # Three overlapping blobs make more outlines than the stamps alone have.
    for dx, dy, size in ((-0.22, 0.30, 0.72), (0.24, 0.24, 0.70), (0.0, 0.5, 0.86)):
        half = width * size / 2 * rng.uniform(0.9, 1.1)
        tall = crown_height * size * 0.5 * rng.uniform(0.9, 1.1)
        cu, cv = u + dx * width * scale, v - (bottom + dy * crown_height) * scale
        box = (cu - half * scale, cv - tall * scale, cu + half * scale, cv + tall * scale)
        _blob(canvas, surface, box, colour * rng.uniform(0.85, 1.12), int(rng.integers(16)))


def tree_shadow(canvas: Canvas, sun: np.ndarray, x: float, z: float, height: float) -> None:
    """Dappled shade of a tree's crown on the ground."""
    reach = height * 0.65 / max(sun[1], 0.12)
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radius = height * 0.3
    cx, cz = x - sun[0] * reach, z - sun[2] * reach
    stretch = 1 / max(sun[1], 0.3)
    ring = np.stack([cx + radius * np.cos(turn), np.zeros(12), cz + radius * stretch * np.sin(turn)], axis=1)
    canvas.shade(canvas.cast, ring, 0.85)


def draw_hedge(
    canvas: Canvas, rng: np.random.Generator, x: float, start: float, end: float, height: float, colour: np.ndarray
) -> None:
    """A clipped hedge along the street from Z = start to end, metres."""
    near = max(start, NEAR + 1.0)
    side = np.array([(x, 0, near), (x, 0, end), (x, height, end), (x, height, near)])
    facing = -1.0 if x > 0 else 1.0
    surface = canvas.surface("vegetation", (facing, 0, 0), (x, 0, start), grain="leaf")
    depth = 0.9 * (1 if x > 0 else -1)
    front = np.array([(x, 0, near), (x + depth, 0, near), (x + depth, height, near), (x, height, near)])
    canvas.face(canvas.surface("vegetation", (0, 0, -1), (x, 0, near), grain="leaf"), front, colour * 0.85)
    canvas.face(surface, side, colour)
    # A soft upper edge: a row of small blobs, nearest last.
    for z in np.arange(min(end, 45.0), near, -1.3):
        view = canvas.camera.to_view(np.array([x + depth * 0.4, height, z]))
        if view[2] > 2.0:
            u, v = canvas.camera.to_picture(view)
            half = 0.75 * canvas.camera.focal / view[2]
            if half > 1.0:
                box = (u - half, v - half * 0.45, u + half, v + half * 0.5)
                _blob(canvas, surface, box, colour * rng.uniform(0.9, 1.15), int(rng.integers(16)))


def draw_shrub(canvas: Canvas, rng: np.random.Generator, x: float, z: float, height: float, colour: np.ndarray) -> None:
    """A shrub standing on the ground."""
    foot = canvas.camera.to_view(np.array([x, 0.0, z]))
    if foot[2] < 2.0:
        return
    scale = canvas.camera.focal / foot[2]
    u, v = canvas.camera.to_picture(foot)
    surface = canvas.surface("vegetation", (0, 0, 0), (x, 0, z), grain="leaf")
    half = height * rng.uniform(0.6, 1.0)
    box = (u - half * scale, v - height * scale, u + half * scale, v + 0.12 * height * scale)
    _blob(canvas, surface, box, colour, int(rng.integers(16)))


def skyline(canvas: Canvas, rng: np.random.Generator, z: float, colour: np.ndarray) -> None:
    """A far row of trees across the end of the street."""
    surface = canvas.surface("vegetation", (0, 0, 0), (0, 0, z), grain="leaf")
    view = canvas.camera.to_view(np.array([(x, 0.0, z) for x in np.arange(-66.0, 67.0, 11.0)]))
    scale = canvas.camera.focal / view[:, 2]
    feet = canvas.camera.to_picture(view)
    for (u, v), size in zip(feet, scale, strict=True):
        tall, half = rng.uniform(4, 9) * size, rng.uniform(6.5, 10) * size
        box = (u - half, v - tall, u + half, v + 0.25 * tall)
        _blob(canvas, surface, box, colour * rng.uniform(0.8, 1.1), int(rng.integers(16)))
