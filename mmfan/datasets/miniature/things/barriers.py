"""Barriers, where a plot has no house front: walls and fences."""

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import box_grid

WALL_COLOURS = (
    (150, 146, 138), (128, 120, 108), (166, 152, 130), (140, 84, 68), (112, 112, 114), (188, 178, 160), (120, 98, 84),
)  # fmt: skip
FENCE_COLOURS = (
    (58, 62, 62),
    (40, 72, 52),
    (104, 78, 56),
    (150, 150, 148),
    (196, 190, 178),
    (122, 66, 50),
    (80, 88, 104),
)


def draw_wall(canvas: Canvas, rng: np.random.Generator, x: float, start: float, end: float, height: float) -> None:
    """A wall at X = x from Z = start to end: bricks, stone or plaster with a coping and piers, no openings."""
    outward = 1 if x > 0 else -1
    grain = ("brick", "stone", "plaster")[int(rng.integers(3))]
    colour = np.array(WALL_COLOURS[int(rng.integers(len(WALL_COLOURS)))]) * rng.uniform(0.85, 1.15)
    thick = outward * 0.4
    near = canvas.surface("wall", (0, 0, -1), (x, 0, start), grain=grain)
    top = canvas.surface("wall", (0, 1, 0), (x, height, start), grain="plain")
    front = canvas.surface("wall", (-outward, 0, 0), (x, 0, start), grain=grain)
    canvas.face(
        near, np.array([(x, 0, start), (x + thick, 0, start), (x + thick, height, start), (x, height, start)]), colour
    )
    canvas.face(
        top,
        np.array([(x, height, start), (x + thick, height, start), (x + thick, height, end), (x, height, end)]),
        colour,
    )
    canvas.face(front, np.array([(x, 0, start), (x, 0, end), (x, height, end), (x, height, start)]), colour)
    length = end - start
    origin = (x - outward * 0.06, 0.0, start)
    coping = np.array([(s, height - 0.16, min(s + 2.0, length), height + 0.04) for s in np.arange(0, length, 2.0)])
    canvas.fill_many(front, canvas.faces(box_grid(origin, (0, 0, 1), coping)), np.clip(colour * 1.2, 0, 240))
    if rng.uniform() < 0.5:
        piers = np.array([(s, 0, s + 0.45, height + 0.15) for s in np.arange(0, length, rng.uniform(3.0, 4.5))])
        canvas.fill_many(front, canvas.faces(box_grid(origin, (0, 0, 1), piers)), colour * 0.82)
    if rng.uniform() < 0.3:
        # Graffiti: nobody may learn that walls are of one colour.
        for _ in range(int(rng.integers(2, 6))):
            s, y = rng.uniform(0, length), rng.uniform(0.3, max(height - 1.0, 0.4))
            tag = np.array([(s, y, s + rng.uniform(0.4, 1.6), y + rng.uniform(0.3, 0.7))])
            canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), tag)), rng.uniform(30, 220, 3))


def draw_fence(canvas: Canvas, rng: np.random.Generator, x: float, start: float, end: float, height: float) -> None:
    """A fence at X = x from Z = start to end: bars, boards or wire, through which the garden shows."""
    outward = 1 if x > 0 else -1
    colour = np.array(FENCE_COLOURS[int(rng.integers(len(FENCE_COLOURS)))]) * rng.uniform(0.8, 1.2)
    kind = ("bars", "boards", "wire")[int(rng.integers(3))]
    surface = canvas.surface("fence", (-outward, 0, 0), (x, 0, start), grain="plain")
    outline = canvas.project(np.array([(x, 0, start), (x, 0, end), (x, height, end), (x, height, start)]))
    if outline is None:
        return
    canvas.claim(surface, outline)
    length, origin = end - start, (x, 0.0, start)

    def paint(boxes: np.ndarray, shade: float = 1.0) -> None:
        canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), boxes)), np.clip(colour * shade, 0, 250))

    def uprights(pitch: float, wide: float, low: float, high: float) -> np.ndarray:
        s = np.arange(0, length, pitch)
        return np.stack([s, np.full_like(s, low), s + wide, np.full_like(s, high)], axis=1)

    def rails(levels: tuple[float, ...], thick: float) -> np.ndarray:
        s = np.arange(0, length, 1.5)
        return np.concatenate([np.stack([s, s * 0 + y, s + 1.5, s * 0 + y + thick], axis=1) for y in levels])

    if kind == "bars":
        paint(uprights(0.26, 0.07, 0.05, height))
        paint(rails((0.18, height - 0.22), 0.10), 0.85)
        paint(uprights(2.6, 0.16, 0, height), 0.8)
    elif kind == "boards":
        paint(uprights(0.30, 0.21, 0.04, height))
        paint(rails((0.25, height * 0.72), 0.11), 0.75)
    else:
        # Mesh finer than a pixel is a veil over what is behind it.
        paint(uprights(0.42, 0.045, 0, height), 1.1)
        paint(rails(tuple(np.arange(0.15, height, 0.3)), 0.04), 1.1)
        paint(uprights(2.5, 0.12, 0, height + 0.05), 0.9)
        paint(rails((height - 0.06,), 0.08), 0.9)
