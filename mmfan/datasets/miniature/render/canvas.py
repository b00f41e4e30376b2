"""The canvas of the renderer: a colour buffer and, beside it, the surface that each pixel shows.

Objects are painted from back to front with flat colours. Each polygon also writes the number of its *surface* (class,
object, plane in space, material), so that one pass at the end can find every pixel's depth, label and object number
and light it (see :mod:`.light`). Painting is done at twice the size and averaged down: edges come out smooth, and
labels are read from the same buffer, so picture and labels cannot disagree.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from mmfan.datasets.cityscapes_labels import COUNTABLE, LABELS
from mmfan.datasets.miniature.render.camera import NEAR, Camera, clip_near
from mmfan.datasets.miniature.render.textures import GRAINS

OVERSAMPLE = 2
_SHIFT = 3  # fractional bits of polygon corners
_GRAIN_NUMBERS = {name: number for number, name in enumerate(GRAINS)}
_UNIT = 1 << _SHIFT
_FARTHEST = 1_000_000  # pixels; keeps corners far outside the picture within OpenCV's integers

Colour = Sequence[float] | np.ndarray


class SurfaceTable(NamedTuple):
    """All surfaces of a picture, one row each: what :class:`Canvas` hands to the lighting pass.

    ``label`` (N,) uint8; ``number`` (N,) int64, which object, 0 for none; ``plane`` (N, 3) inverse-depth coefficients;
    ``normal`` (N, 3) unit, zero for surfaces lit evenly; ``grain`` (N,) index into GRAINS; ``glow`` (N,) share of the
    colour that shines by itself.
    """

    label: np.ndarray
    number: np.ndarray
    plane: np.ndarray
    normal: np.ndarray
    grain: np.ndarray
    glow: np.ndarray


class Canvas:
    """A picture in the making.

    Args:
        camera: Where it is seen from; its size is the picture's.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        width, height = camera.size
        self.colour = np.zeros((height * OVERSAMPLE, width * OVERSAMPLE, 3), np.uint8)
        self.index = np.zeros((height * OVERSAMPLE, width * OVERSAMPLE), np.uint16)
        self.cast = np.zeros((height, width), np.uint8)  # shadow of the sun on the ground, 255: full
        self.contact = np.zeros((height, width), np.uint8)  # darkness right under things, in any weather
        self._rows: list[tuple[int, int, int, float]] = []
        self._normals: list[np.ndarray] = []
        self._points: list[np.ndarray] = []
        self._objects = 0
        # Surface 0 is the sky, wherever nothing else is painted.
        self.surface("sky", normal=(0, 0, -1), point=(0, 0, 1e4))

    def new_object(self) -> int:
        """A number for the next object, unique in this picture."""
        self._objects += 1
        return self._objects

    def surface(
        self,
        label: str,
        normal: Colour,
        point: Colour,
        number: int = 0,
        grain: str = "plain",
        glow: float = 0.0,
    ) -> int:
        """Register a plane of an object and return its surface number.

        Args:
            label: Cityscapes class name.
            normal: World normal, or (0, 0, 0) for an upright plate that faces the camera and is lit evenly.
            point: A world point on it, metres.
            number: The object it belongs to (:meth:`new_object`); 0 for none.
            grain: Material, a key of GRAINS.
            glow: Share of its colour that shines by itself, 0 to 1.
        """
        self._rows.append((LABELS[label].id, number, _GRAIN_NUMBERS[grain], glow))
        self._normals.append(np.asarray(normal, np.float64))
        self._points.append(np.asarray(point, np.float64))
        return len(self._rows) - 1

    def surfaces(self) -> SurfaceTable:
        """The table of all surfaces registered so far."""
        rows = np.array(self._rows)
        normals, points = np.array(self._normals), np.array(self._points)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        unit = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
        planes = np.where(length > 0, unit, self.camera.rotation[2])
        plane = self.camera.inverse_depth(planes, points).astype(np.float32)
        label = rows[:, 0].astype(np.uint8)
        number = np.where(COUNTABLE[label], rows[:, 1].astype(np.int64), 0)
        return SurfaceTable(
            label, number, plane, unit.astype(np.float32), rows[:, 2].astype(np.int64), rows[:, 3].astype(np.float32)
        )

    def fill(self, surface: int, corners: np.ndarray, colour: Colour) -> None:
        """Paint a polygon given in picture pixels, shape (N, 2)."""
        fixed = self._fixed(corners)
        cv2.fillPoly(self.colour, [fixed], (float(colour[0]), float(colour[1]), float(colour[2])), shift=_SHIFT)
        cv2.fillPoly(self.index, [fixed], surface, shift=_SHIFT)

    def fill_many(self, surface: int, polygons: np.ndarray, colour: Colour) -> None:
        """Paint polygons of one colour that do not overlap, picture pixels, shape (M, N, 2)."""
        if len(polygons):
            fixed = self._fixed(polygons)
            parts = list(fixed)
            cv2.fillPoly(self.colour, parts, (float(colour[0]), float(colour[1]), float(colour[2])), shift=_SHIFT)
            cv2.fillPoly(self.index, parts, surface, shift=_SHIFT)

    def tint(self, polygons: np.ndarray, colour: Colour) -> None:
        """Paint colour only, leaving the surface that is there (markings, spokes, bars); shape (M, N, 2)."""
        if len(polygons):
            fixed = list(self._fixed(polygons))
            cv2.fillPoly(self.colour, fixed, (float(colour[0]), float(colour[1]), float(colour[2])), shift=_SHIFT)

    def claim(self, surface: int, corners: np.ndarray) -> None:
        """Give the pixels of a polygon, shape (N, 2), to a surface and leave their colour (see-through things)."""
        cv2.fillPoly(self.index, [self._fixed(corners)], surface, shift=_SHIFT)

    @staticmethod
    def _fixed(corners: np.ndarray) -> np.ndarray:
        # OpenCV counts from pixel centres and the picture from pixel edges: half a pixel apart. Corners are bounded
        # only far outside the picture: moving one that matters would bend the edges in sight.
        bounded = np.minimum(np.maximum(corners, -_FARTHEST), _FARTHEST)
        return np.rint(bounded * (OVERSAMPLE * _UNIT) - _UNIT // 2).astype(np.int32)

    def project(self, points: np.ndarray) -> np.ndarray | None:
        """A world polygon, shape (N, 3), cut at the near plane, in picture pixels, shape (M, 2); None if all cut."""
        view = clip_near(self.camera.to_view(np.asarray(points, np.float64)))
        return self.camera.to_picture(view) if len(view) >= 3 else None

    def face(self, surface: int, points: np.ndarray, colour: Colour) -> None:
        """Paint a polygon given in the world, shape (N, 3), metres."""
        corners = self.project(points)
        if corners is not None:
            self.fill(surface, corners, colour)

    def faces(self, polygons: np.ndarray) -> np.ndarray:
        """World polygons, shape (M, N, 3), in picture pixels; those near the camera or out of sight are dropped."""
        view = self.camera.to_view(np.asarray(polygons, np.float64))
        view = view[(view[..., 2] > NEAR).all(axis=1)]
        corners = self.camera.to_picture(view)
        width, height = self.camera.size
        low, high = corners.min(axis=1), corners.max(axis=1)
        seen = (high[:, 0] > 0) & (low[:, 0] < width) & (high[:, 1] > 0) & (low[:, 1] < height)
        # What covers less than a third of a pixel only costs time.
        seen &= ((high - low) > 0.34).all(axis=1)
        return corners[seen]

    def stamp(
        self,
        surface: int,
        box: tuple[float, float, float, float],
        cover: np.ndarray,
        tone: np.ndarray,
        ramp: np.ndarray,
    ) -> None:
        """Paint a small grey picture into a box, coloured by a ramp.

        Args:
            surface: Its surface.
            box: left, top, right, bottom in picture pixels.
            cover: Where it paints, shape (h, w), uint8: 0 or 255.
            tone: Its grey levels, shape (h, w), uint8.
            ramp: Colour of each grey level, shape (256, 3), uint8, RGB.
        """
        left, top, right, bottom = (round(edge * OVERSAMPLE) for edge in box)
        height, width = self.index.shape
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        if x0 >= x1 or y0 >= y1 or right - left < 2 or bottom - top < 2:
            return
        # Only the part in sight is resized: a crown next to the camera may be far larger than the picture.
        scale_x, scale_y = cover.shape[1] / (right - left), cover.shape[0] / (bottom - top)
        matrix = np.array(
            [[scale_x, 0, (x0 - left + 0.5) * scale_x - 0.5], [0, scale_y, (y0 - top + 0.5) * scale_y - 0.5]]
        )
        size, flags = (x1 - x0, y1 - y0), cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        mask = cv2.warpAffine(cover, matrix, size, flags=flags) > 127
        grey = cv2.warpAffine(tone, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        self.colour[y0:y1, x0:x1][mask] = ramp[grey[mask]]
        self.index[y0:y1, x0:x1][mask] = surface

    def shade(self, buffer: np.ndarray, points: np.ndarray, strength: float) -> None:
        """Darken the ground under a convex hull of ground points, shape (N, 3), in ``cast`` or ``contact``.

        Args:
            buffer: ``self.cast`` or ``self.contact``.
            points: Ground points whose hull is dark, metres; those behind the camera are left out.
            strength: 0 (nothing) to 1 (full).
        """
        view = self.camera.to_view(points)
        view = view[view[:, 2] > NEAR]
        if len(view) >= 3:
            hull = cv2.convexHull(self.camera.to_picture(view).astype(np.float32))
            hull = np.rint(np.clip(hull, -_FARTHEST, _FARTHEST) * _UNIT - _UNIT / 2).astype(np.int32)
            if strength >= 1 or buffer is self.cast:
                cv2.fillConvexPoly(buffer, hull, 255 * strength, shift=_SHIFT, lineType=cv2.LINE_AA)
            else:
                layer = np.zeros_like(buffer)
                cv2.fillConvexPoly(layer, hull, 255 * strength, shift=_SHIFT)
                np.maximum(buffer, layer, out=buffer)
