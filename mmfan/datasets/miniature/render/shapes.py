"""Outlines of everything that is painted: plain arrays of corners."""

import numpy as np

_ROUND = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_CIRCLE = np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=1)


def disc(x: float, y: float, radius: float, squash: float = 1.0) -> np.ndarray:
    """A circle as 16 corners, shape (16, 2); ``squash`` scales its width."""
    return _CIRCLE * (radius * squash, radius) + (x, y)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """An upright rectangle, shape (4, 2)."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def capsule(start: tuple[float, float], end: tuple[float, float], radius: float, end_radius: float) -> np.ndarray:
    """A limb: the outline around two circles, shape (10, 2)."""
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    turn = np.linspace(np.pi / 2, 3 * np.pi / 2, 5) + angle
    back = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.concatenate([back * radius + start, -back * end_radius + end])


def stroke(start: tuple[float, float], end: tuple[float, float], width: float) -> np.ndarray:
    """A straight bar of a width, shape (4, 2)."""
    along = np.subtract(end, start)
    across = np.array([-along[1], along[0]]) * (width / 2 / max(float(np.hypot(*along)), 1e-9))
    return np.array([start + across, end + across, end - across, start - across])


def box_grid(
    origin: tuple[float, float, float], along: tuple[float, float, float], boxes: np.ndarray, up: float = 1.0
) -> np.ndarray:
    """Rectangles on an upright plane in the world.

    Args:
        origin: World point of the plane's (0, 0), metres.
        along: World direction of its first axis; the second one is up.
        boxes: (s0, y0, s1, y1) of each rectangle in the plane, metres, shape (M, 4).
        up: Scale of the second axis.

    Returns:
        World corners, shape (M, 4, 3).
    """
    s = boxes[:, [0, 2, 2, 0]]
    y = boxes[:, [1, 1, 3, 3]] * up
    corners = np.asarray(origin) + s[..., None] * np.asarray(along)
    corners[..., 1] += y
    return corners
