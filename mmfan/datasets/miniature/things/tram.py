"""Trams: two narrow cars with slanted ends on rails, a band of windows, a pantograph. Cityscapes calls them train."""

from itertools import pairwise

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import stroke
from mmfan.datasets.miniature.render.solids import Face, Place, box, draw_solid, ground_shadow
from mmfan.datasets.miniature.things.vehicles import GLASS, LIVERY, _lamp, _panels

HEIGHT = 3.5
_HALF = 1.2
_SLANT = 0.7


def _end(at: float, tip: float, flip: int, paint: np.ndarray, trim: np.ndarray, dark: float) -> list[Face]:
    """The slanted screen and the upright apron at one end; ``flip`` is +1 for the front and -1 for the rear."""
    h, y = _HALF * flip, 1.35
    apron = Face(_lamp(tip, (0.25, y), (h, -h)), paint)
    lamp = (242, 238, 220) if flip > 0 else (186, 26, 22)
    for t in (0.95, -0.95):
        apron.decals.append((_lamp(tip, (0.75, 1.0), ((t + 0.18) * flip, (t - 0.18) * flip)), lamp, 0.3 + 0.6 * dark))
    apron.decals.insert(0, (_lamp(tip, (0.25, 0.6), (h, -h)), trim, 0.0))
    screen = Face([(tip, y, h), (tip, y, -h), (at, HEIGHT - 0.15, -h), (at, HEIGHT - 0.15, h)], paint)

    def on_screen(share: float, t: float) -> tuple[float, float, float]:
        return (tip + (at - tip) * share, y + (HEIGHT - 0.15 - y) * share, t * flip)

    glass = [on_screen(0.03, 1.05), on_screen(0.03, -1.05), on_screen(0.74, -1.0), on_screen(0.74, 1.0)]
    board = [on_screen(0.80, 0.7), on_screen(0.80, -0.7), on_screen(0.95, -0.7), on_screen(0.95, 0.7)]
    screen.decals += [(glass, GLASS * 0.9, 0.0), (board, (236, 172, 48), 0.7)]
    return [apron, screen]


def tram_faces(rng: np.random.Generator, dark: float) -> tuple[list[Face], tuple[float, float, float]]:
    """The faces of a tram and its (length, width, height), metres."""
    length = rng.uniform(13.0, 18.0)
    rear, front = -length / 2, length / 2
    paint = np.array(LIVERY[int(rng.integers(len(LIVERY)))]) * rng.uniform(0.85, 1.05)
    trim = np.array(LIVERY[int(rng.integers(len(LIVERY)))]) * 0.75
    pane = GLASS * 1.1 + dark * np.array((150, 130, 80))
    body = box((rear + _SLANT, front - _SLANT), (0.25, HEIGHT - 0.15), (-_HALF, _HALF), paint)[2:]
    left, right, roof = body
    roof.colour = np.array((120, 122, 126))
    for face, side in ((left, _HALF), (right, -_HALF)):
        tip = [(rear, 0.25, side), (rear, 1.35, side), (rear + _SLANT, HEIGHT - 0.15, side)]
        tip += [(front - _SLANT, HEIGHT - 0.15, side), (front, 1.35, side), (front, 0.25, side)]
        face.corners = tip[::-1] if side > 0 else tip
        face.decals += _panels(side, [(rear, front)], (0.25, 0.65), trim)
        face.decals += _panels(side, [(rear + 0.9, front - 0.9)], (HEIGHT - 0.75, HEIGHT - 0.55), trim)
        edges = np.linspace(rear + 0.9, front - 0.9, 10)
        spans = [(a + 0.07, b - 0.07) for a, b in pairwise(edges)]
        face.decals += _panels(side, spans, (1.3, HEIGHT - 0.85), pane, 0.75 * dark)
        for i in (2, 6):
            face.decals += _panels(side, [(edges[i] + 0.05, edges[i + 1] - 0.05)], (0.4, HEIGHT - 0.85), pane * 0.8)
        # The bellows between the two cars.
        face.decals += _panels(side, [(-0.35, 0.35)], (0.25, HEIGHT - 0.15), np.array((46, 46, 50)))
        face.decals += _panels(
            side, [(rear + 1.2, rear + 3.0), (front - 3.0, front - 1.2)], (0.05, 0.3), np.array((30, 30, 32))
        )
    faces = _end(rear + _SLANT, rear, -1, paint, trim, dark) + _end(front - _SLANT, front, 1, paint, trim, dark)
    return faces + body, (length, 2 * _HALF, HEIGHT)


def draw_tram(
    canvas: Canvas, faces: list[Face], size: tuple[float, float, float], place: Place, sun: np.ndarray
) -> bool:
    """Paint a tram with its pantograph; returns whether it was in sight of the near plane."""
    number = canvas.new_object()
    length = size[0]
    if not draw_solid(canvas, "train", faces, place, number):
        return False
    ground_shadow(canvas, sun, place, (-length / 2, length / 2), (-_HALF, _HALF), HEIGHT)
    foot = canvas.camera.to_view(place.to_world(np.array([-length * 0.2, HEIGHT - 0.15, 0.0])))
    if foot[2] > 3:
        scale = canvas.camera.focal / foot[2]
        u, v = canvas.camera.to_picture(foot)
        surface = canvas.surface("train", (0, 0, 0), tuple(place.to_world(np.array([-length * 0.2, 0.0, 0.0]))), number)
        for start, end in (((-0.5, 0), (0.4, 0.75)), ((0.5, 0), (-0.4, 0.75)), ((-0.8, 0.78), (0.8, 0.78))):
            ends = [(u + s * scale, v - y * scale) for s, y in (start, end)]
            canvas.fill(surface, stroke(ends[0], ends[1], 0.09 * scale), (60, 60, 64))
    return True
