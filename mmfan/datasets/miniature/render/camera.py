"""A pinhole camera above a street, and the plane geometry that the renderer needs.

World axes: X to the right, Y up, Z along the street, metres; the camera stands at (0, height, 0) and the ground is
Y = 0. Picture axes: u to the right, v down, pixels, with the pixel in the corner covering [0, 1) x [0, 1).
"""

from dataclasses import dataclass, field

import numpy as np

NEAR = 0.6
"""Nothing closer to the picture plane than this (metres) is drawn: its projection would grow without bound."""


@dataclass(frozen=True)
class Camera:
    """A camera that looks along the street.

    Args:
        size: (width, height) of the picture in pixels.
        focal: Focal length in pixels.
        horizon: Row of the horizon at the middle of the picture, in pixels from the top.
        height: Height above the ground in metres.
        yaw: Turn to the right in radians; it moves the vanishing point of the street to the left.
        roll: Tilt in radians.
    """

    size: tuple[int, int]
    focal: float
    horizon: float
    height: float
    yaw: float = 0.0
    roll: float = 0.0
    rotation: np.ndarray = field(init=False, repr=False)
    position: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        right, down = np.array([cos, 0.0, -sin]), np.array([0.0, -1.0, 0.0])
        forward = np.array([sin, 0.0, cos])
        tilt_cos, tilt_sin = np.cos(self.roll), np.sin(self.roll)
        rows = [tilt_cos * right + tilt_sin * down, tilt_cos * down - tilt_sin * right, forward]
        object.__setattr__(self, "rotation", np.stack(rows))
        object.__setattr__(self, "position", np.array([0.0, self.height, 0.0]))

    @property
    def centre(self) -> tuple[float, float]:
        """The principal point (u, v). The horizon is moved by a lens shift, so upright lines stay upright."""
        return self.size[0] / 2, self.horizon

    def to_view(self, points: np.ndarray) -> np.ndarray:
        """World points, shape (..., 3), in camera axes: right, down, forward; metres."""
        return (points - self.position) @ self.rotation.T

    def to_picture(self, view: np.ndarray) -> np.ndarray:
        """Camera-axes points, shape (..., 3), forward > 0, as picture positions, shape (..., 2), pixels."""
        return view[..., :2] * (self.focal / view[..., 2:]) + self.centre

    def rays(self) -> np.ndarray:
        """World direction of each pixel's centre, scaled to one metre of depth; shape (3, H, W), float32."""
        width, height = self.size
        u = ((np.arange(width) + 0.5 - self.centre[0]) / self.focal).astype(np.float32)
        v = ((np.arange(height) + 0.5 - self.centre[1]) / self.focal).astype(np.float32)
        turn = self.rotation.astype(np.float32)
        right, down, forward = (turn[axis][:, None, None] for axis in range(3))
        return u * right + v[:, None] * down + forward

    def inverse_depth(self, normals: np.ndarray, points: np.ndarray) -> np.ndarray:
        """1 / depth of a plane is linear in the picture: its coefficients.

        Args:
            normals: World normals of N planes, shape (N, 3), of any length.
            points: One world point on each, shape (N, 3), metres.

        Returns:
            (a, b, c) for each plane with 1 / depth = a * u + b * v + c, shape (N, 3), in 1 / metre and pixels.
        """
        seen = normals @ self.rotation.T
        distance = np.einsum("nk,nk->n", normals, points - self.position)
        # A plane seen edge-on covers no pixel; any finite number will do.
        distance = np.where(np.abs(distance) < 1e-6, 1e-6, distance)
        slope = seen[:, :2] / self.focal
        constant = seen[:, 2] - slope @ np.array(self.centre)
        return np.concatenate([slope, constant[:, None]], axis=1) / distance[:, None]


def clip_near(view: np.ndarray) -> np.ndarray:
    """The part of a polygon in camera axes, shape (N, 3), that lies beyond NEAR; shape (M, 3), M may be 0."""
    depth = view[:, 2]
    inside = depth >= NEAR
    if inside.all():
        return view
    if not inside.any():
        return view[:0]
    kept = []
    for i in range(len(view)):
        j = (i + 1) % len(view)
        if inside[i]:
            kept.append(view[i])
        if inside[i] != inside[j]:
            share = (NEAR - depth[i]) / (depth[j] - depth[i])
            kept.append(view[i] + share * (view[j] - view[i]))
    return np.array(kept)
