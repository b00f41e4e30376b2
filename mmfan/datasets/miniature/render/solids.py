"""Things with faces: boxes and bent sheets in a vehicle's own axes, turned, culled, sorted and painted."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmfan.datasets.miniature.render.camera import NEAR
from mmfan.datasets.miniature.render.canvas import Canvas, Colour

Decal = tuple[Any, Colour, float]
"""Corners (N, 3) in the solid's axes, colour, glow."""

Corners = list[tuple[float, float, float]] | np.ndarray


@dataclass
class Face:
    """A flat polygon of a solid with what is painted on it.

    Args:
        corners: In the solid's axes: forward, up, left; metres; shape (N, 3); seen from outside they run so that
            (second - first) x (third - second) points outwards.
        colour: RGB.
        decals: Polygons in the same plane, painted after it: (corners, colour, glow).
        both: Painted from behind as well.
    """

    corners: Corners
    colour: Colour
    decals: list[Decal] = field(default_factory=list)
    both: bool = False


@dataclass(frozen=True)
class Place:
    """Where a solid stands: ground point (x, z) of its middle, metres, and the angle of its forward axis.

    Heading 0 drives away from the camera along the street, pi towards it, pi / 2 to the right.
    """

    x: float
    z: float
    heading: float = 0.0

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Points in the solid's axes (forward, up, left), shape (..., 3), in the world."""
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        forward, up, left = points[..., 0], points[..., 1], points[..., 2]
        return np.stack([self.x + forward * sin - left * cos, up, self.z + forward * cos + left * sin], axis=-1)


def box(
    length: tuple[float, float], height: tuple[float, float], width: tuple[float, float], colour: Colour
) -> list[Face]:
    """The rear, front, left, right and top of a box between the given bounds (forward, up, left)."""
    a, b = length
    y0, y1 = height
    r, s = width
    return [
        Face([(a, y0, r), (a, y0, s), (a, y1, s), (a, y1, r)], colour),
        Face([(b, y0, s), (b, y0, r), (b, y1, r), (b, y1, s)], colour),
        Face([(b, y0, s), (b, y1, s), (a, y1, s), (a, y0, s)], colour),
        Face([(a, y0, r), (a, y1, r), (b, y1, r), (b, y0, r)], colour),
        Face([(a, y1, r), (a, y1, s), (b, y1, s), (b, y1, r)], colour),
    ]


def draw_solid(canvas: Canvas, label: str, faces: list[Face], place: Place, number: int, grain: str = "smooth") -> bool:
    """Paint a solid; returns False, having painted nothing, if it reaches behind the near plane.

    Faces turned away from the camera are left out, the others are painted from the farthest to the nearest, which is
    right for solids that are nearly convex.
    """
    parts = [np.asarray(f.corners, np.float64) for f in faces]
    counts = [len(p) for p in parts]
    world = place.to_world(np.concatenate(parts))
    view = canvas.camera.to_view(world)
    if (view[:, 2] <= NEAR).any():
        return False
    starts = np.concatenate([[0], np.cumsum(counts)])
    eye = canvas.camera.position
    order = []
    for i, face in enumerate(faces):
        corners = world[starts[i] : starts[i + 1]]
        a, b = corners[1] - corners[0], corners[2] - corners[1]
        normal = np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
        gap = eye - corners[0]
        towards = normal[0] * gap[0] + normal[1] * gap[1] + normal[2] * gap[2]
        if towards <= 0:
            if not face.both:
                continue
            normal = -normal
        order.append((-float(view[starts[i] : starts[i + 1], 2].mean()), i, normal, corners))
    order.sort(key=lambda entry: entry[:2])
    for _, i, normal, corners in order:
        face = faces[i]
        surface = canvas.surface(label, normal, corners[0], number, grain)
        picture = canvas.camera.to_picture(view[starts[i] : starts[i + 1]])
        canvas.fill(surface, picture, face.colour)
        for shape, colour, glow in face.decals:
            seen = canvas.camera.to_view(place.to_world(np.asarray(shape, np.float64)))
            if (seen[:, 2] <= NEAR).any():
                continue
            decal = canvas.camera.to_picture(seen)
            if np.ptp(decal, axis=0).min() < 0.3:
                continue
            own = canvas.surface(label, normal, corners[0], number, grain, glow) if glow else surface
            canvas.fill(own, decal, colour)
    return True


def ground_shadow(
    canvas: Canvas,
    sun: np.ndarray,
    place: Place,
    length: tuple[float, float],
    width: tuple[float, float],
    height: float,
) -> None:
    """The shadow of a box-like thing: dark under it, and away from the sun."""
    a, b = length
    r, s = width
    base = place.to_world(np.array([(a, 0, r), (a, 0, s), (b, 0, s), (b, 0, r)], np.float64))
    grown = place.to_world(
        np.array([(a - 0.2, 0, r - 0.2), (a - 0.2, 0, s + 0.2), (b + 0.2, 0, s + 0.2), (b + 0.2, 0, r - 0.2)])
    )
    canvas.shade(canvas.contact, grown, 0.7)
    canvas.shade(canvas.contact, base, 1.0)
    reach = min(height / max(sun[1], 0.12), 30.0)
    top = base - np.array([sun[0] * reach, 0, sun[2] * reach])
    canvas.shade(canvas.cast, np.concatenate([base, top]), 1.0)
