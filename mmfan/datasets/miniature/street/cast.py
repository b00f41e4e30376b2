"""The cast of one picture: a list of things to paint from far to near, and the ground they take up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.day import Light
from mmfan.datasets.miniature.street.street import Street

Box = tuple[float, float, float, float]
"""A rectangle on the ground: X from, X to, Z from, Z to, metres."""


@dataclass
class Cast:
    """Everything that will stand or move on a street, with what all of it needs.

    Args:
        canvas: What is painted on.
        rng: Source of chance.
        street: The plan of the street.
        light: Time of day.
        autumn: Chance that a tree has turned.
    """

    canvas: Canvas
    rng: np.random.Generator
    street: Street
    light: Light
    autumn: float
    items: list[tuple[Box, Callable[[], object]]] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)

    def add(self, box: Box, paint: Callable[..., object], *args: Any) -> None:
        """Queue ``paint(*args)`` for something that stands on ``box``."""
        self.items.append((box, partial(paint, *args)))

    def is_free(self, box: Box, gap: float = 0.4) -> bool:
        """Whether no vehicle comes closer to a rectangle than ``gap`` metres."""
        x0, x1, z0, z1 = box
        return not any(
            x0 < b1 + gap and x1 > b0 - gap and z0 < d1 + gap and z1 > d0 - gap for b0, b1, d0, d1 in self.taken
        )

    def is_seen(self, box: Box) -> bool:
        """Whether at least half of a rectangle's width lies in the picture and is not behind a vehicle."""
        low, high = _bearing(box)
        camera = self.canvas.camera
        half = camera.size[0] / 2 / camera.focal
        shift = float(np.tan(camera.yaw))
        hidden = max(shift - half - low, 0.0) + max(high - shift - half, 0.0)
        for other in self.taken:
            if other[2] < box[2]:
                left, right = _bearing(other)
                hidden += max(min(high, right) - max(low, left), 0.0)
        return hidden < 0.5 * (high - low)

    def paint(self) -> None:
        """Paint everything, what is hidden before what hides it."""
        for number in paint_order([box for box, _ in self.items]):
            self.items[number][1]()


def around(x: float, z: float, half: float = 0.2) -> Box:
    """The ground of a small thing at (x, z)."""
    return float(x - half), float(x + half), float(z - half), float(z + half)


def paint_order(boxes: list[Box]) -> list[int]:
    """An order to paint things in, such that each comes after those it hides.

    Of two things that overlap in the picture, the one entirely beyond the other is painted first; of two side by side
    on the same side of the camera, the one farther out. Otherwise far things come first, which also settles the rare
    circle.
    """
    if not boxes:
        return []
    x0, x1, z0, z1 = np.array(boxes, np.float64).T
    bearings = np.array([_bearing(box) for box in boxes])
    overlap = (bearings[:, 0][:, None] < bearings[:, 1]) & (bearings[:, 1][:, None] > bearings[:, 0])
    beyond = z0[:, None] >= z1
    side_by_side = ~beyond & ~beyond.T
    right, left = (x0 > 0)[:, None] & (x0 > 0), (x1 < 0)[:, None] & (x1 < 0)
    outer = (right & (x0[:, None] >= x1)) | (left & (x1[:, None] <= x0))
    first = overlap & (beyond | (side_by_side & outer))  # [a, b]: a is painted before b
    np.fill_diagonal(first, False)
    waiting = first.sum(axis=0)
    left_over = np.ones(len(boxes), bool)
    order = []
    for _ in boxes:
        ready = left_over & (waiting == 0)
        chosen = int(np.argmax(np.where(ready if ready.any() else left_over, z0, -np.inf)))
        order.append(chosen)
        left_over[chosen] = False
        waiting = waiting - first[chosen]
    return order


def _bearing(box: Box) -> tuple[float, float]:
    """The range of X / Z that a rectangle covers as seen from the camera."""
    x0, x1, z0, z1 = box[0], box[1], max(box[2], 0.5), max(box[3], 0.5)
    return min(x0 / z0, x0 / z1), max(x1 / z0, x1 / z1)
