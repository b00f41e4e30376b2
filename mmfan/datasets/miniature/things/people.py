"""People on foot and on two wheels, as jointed figures on an upright plate that faces the camera.

Figures are drawn in metres, x to the right in the picture and y up from the ground.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import capsule, disc, rectangle
from mmfan.datasets.miniature.render.solids import Place, ground_shadow

SKIN = ((232, 196, 168), (214, 170, 138), (186, 136, 102), (142, 98, 72), (104, 72, 54))
HAIR = ((40, 32, 28), (72, 52, 36), (132, 98, 60), (180, 150, 100), (150, 148, 146), (96, 44, 28))
CLOTH = (
    (34, 36, 42), (62, 66, 74), (40, 54, 92), (126, 34, 38), (46, 84, 62), (188, 184, 176), (150, 118, 80),
    (88, 58, 92), (206, 150, 52), (70, 110, 150), (116, 116, 112), (212, 96, 60), (94, 78, 62), (232, 228, 222),
)  # fmt: skip


def _pick(rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    return np.clip(np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.8, 1.2), 0, 245)


@dataclass(frozen=True)
class Plate:
    """An upright plate facing the camera: where figures are drawn.

    Args:
        canvas: What is painted on.
        foot: Picture position (u, v) of the figure's origin on the ground.
        scale: Pixels for a metre.
        flip: -1 mirrors the figure.
    """

    canvas: Canvas
    foot: np.ndarray
    scale: float
    flip: float = 1.0

    def paint(self, surface: int, outline: np.ndarray, colour: np.ndarray) -> None:
        """Paint an outline given in metres, shape (N, 2)."""
        self.canvas.fill(surface, self._place(outline), colour)

    def tint(self, outline: np.ndarray, colour: np.ndarray) -> None:
        """Paint colour only, leaving what is there as it is labelled."""
        self.canvas.tint(self._place(outline)[None], colour)

    def claim(self, surface: int, outline: np.ndarray) -> None:
        """Label an outline without painting it."""
        self.canvas.claim(surface, self._place(outline))

    def _place(self, outline: np.ndarray) -> np.ndarray:
        return self.foot + outline * (self.scale * self.flip, -self.scale)


def plate_at(canvas: Canvas, x: float, z: float, y: float = 0.0, flip: float = 1.0) -> Plate | None:
    """A plate standing at a ground point; None if it is too near to be drawn well."""
    view = canvas.camera.to_view(np.array([x, y, z]))
    if view[2] < 2.2:
        return None
    return Plate(canvas, canvas.camera.to_picture(view), float(canvas.camera.focal / view[2]), flip)


def _limb(
    plate: Plate, surface: int, joints: list[tuple[float, float]], radii: list[float], colour: np.ndarray
) -> None:
    for (start, r0), (end, r1) in pairwise(zip(joints, radii, strict=True)):
        plate.paint(surface, capsule(start, end, r0, r1), colour)


def _bend(
    root: tuple[float, float], lengths: tuple[float, float], angles: tuple[float, float]
) -> list[tuple[float, float]]:
    """Joints of a hanging limb: angles from straight down, positive to the right."""
    x, y = root
    joints = [root]
    for length, angle in zip(lengths, angles, strict=True):
        x, y = x + length * float(np.sin(angle)), y - length * float(np.cos(angle))
        joints.append((x, y))
    return joints


def _head(
    plate: Plate, surface: int, rng: np.random.Generator, x: float, y: float, size: float, side: bool, back: bool
) -> None:
    skin, hair = _pick(rng, SKIN), _pick(rng, HAIR)
    plate.paint(surface, capsule((x, y - 0.13 * size), (x, y), 0.05 * size, 0.05 * size), skin * 0.85)
    plate.paint(surface, disc(x, y, 0.118 * size, 0.82), skin)
    if back:
        plate.paint(surface, disc(x, y + 0.02 * size, 0.122 * size, 0.86), hair)
    else:
        crown = disc(x - (0.03 * size if side else 0), y + 0.025 * size, 0.122 * size, 0.86)
        crown[:, 1] = np.maximum(crown[:, 1], y + (0.0 if side else 0.035) * size)
        plate.paint(surface, crown, hair)
    if rng.uniform() < 0.35:
        long = capsule(
            (x - (0.06 if side else 0.0) * size, y),
            (x - (0.07 if side else 0) * size, y - 0.16 * size),
            0.09 * size,
            0.07 * size,
        )
        if back or side:
            plate.paint(surface, long, hair)


@dataclass(frozen=True)
class _Figure:
    """A person on foot: where and how it is drawn. Lengths are those of a person of 1.75 m; the plate is scaled."""

    plate: Plate
    surface: int
    side: bool
    back: bool
    stride: float
    top: np.ndarray
    legs: np.ndarray
    skin: np.ndarray

    @property
    def wide(self) -> float:
        """Half the width of the trunk."""
        return 0.125 if self.side else 0.205

    def paint(self, outline: np.ndarray, colour: np.ndarray) -> None:
        self.plate.paint(self.surface, outline, colour)

    def limb(self, joints: list[tuple[float, float]], radii: list[float], colour: np.ndarray) -> None:
        _limb(self.plate, self.surface, joints, radii, colour)


_HIP, _SHOULDER = 0.92, 1.43


def draw_person(canvas: Canvas, rng: np.random.Generator, x: float, z: float, sun: np.ndarray, y: float = 0.0) -> None:
    """A person standing or walking at (x, z); ``y`` is the height of the pavement."""
    child = rng.uniform() < 0.12
    tall = rng.uniform(1.05, 1.4) if child else rng.uniform(1.58, 1.92)
    plate = plate_at(canvas, x, z, y, flip=1.0 if rng.uniform() < 0.5 else -1.0)
    if plate is None:
        return
    side = rng.uniform() < 0.5
    figure = _Figure(
        plate=replace(plate, scale=plate.scale * tall / 1.75),
        surface=canvas.surface("person", (0, 0, 0), (x, 0, z), canvas.new_object(), grain="cloth"),
        side=side,
        back=not side and rng.uniform() < 0.5,
        stride=rng.uniform(0.15, 0.5) if rng.uniform() < 0.75 else 0.04,
        top=_pick(rng, CLOTH),
        legs=_pick(rng, CLOTH),
        skin=_pick(rng, SKIN),
    )
    skirt = rng.uniform() < 0.18
    _draw_legs(figure, figure.skin if skirt else figure.legs, _pick(rng, CLOTH) * 0.6)
    _draw_trunk(figure, rng, skirt)
    _head(figure.plate, figure.surface, rng, 0.03 if side else 0.0, 1.62, 1.12 if child else 1.0, side, figure.back)
    _draw_arms(figure)
    ground_shadow(canvas, sun, Place(x, z), (-0.12, 0.12), (-0.2, 0.2), tall)


def _draw_legs(figure: _Figure, colour: np.ndarray, shoes: np.ndarray) -> None:
    """Both legs, the far one darker."""
    stride = figure.stride
    for sign, tone in ((-1, 0.78), (1, 1.0)):
        if figure.side:
            bent = sign * stride - (0.35 if sign > 0 else 0.7) * stride
            joints = _bend((0.0, _HIP), (0.44, 0.45), (sign * stride, bent))
        else:
            joints = _bend((sign * 0.085, _HIP), (0.44, 0.45), (sign * 0.05, sign * 0.02))
            if sign * stride > 0.2:  # a step towards the camera or away from it
                joints[2] = (joints[2][0], joints[2][1] + 0.10)
        figure.limb(joints, [0.098, 0.075, 0.055], colour * tone)
        x, y = joints[2]
        toe = 0.15 if figure.side else 0.03 * sign
        figure.paint(capsule((x, y - 0.02), (x + toe, y - 0.03), 0.05, 0.04), shoes * tone)


def _draw_trunk(figure: _Figure, rng: np.random.Generator, skirt: bool) -> None:
    """The far arm, skirt, jacket or coat, and perhaps a rucksack."""
    wide, top = figure.wide, figure.top
    if figure.side:
        swing = 0.8 * figure.stride
        joints = _bend((0.0, _SHOULDER - 0.05), (0.30, 0.27), (swing, swing + 0.3))
        figure.limb(joints, [0.06, 0.05, 0.042], top * 0.7)
    hem = 0.62 if rng.uniform() < 0.3 else 0.86
    half = [(wide, _SHOULDER), (0.85 * wide, _HIP), (0.95 * wide, hem)]
    trunk = np.array(half + [(-x, y) for x, y in reversed(half)])
    if skirt:
        half = [(0.8 * wide, _HIP), (1.25 * wide, 0.55)]
        figure.paint(np.array(half + [(-x, y) for x, y in reversed(half)]), figure.legs)
    figure.paint(trunk, top)
    figure.paint(capsule((-wide * 0.75, _SHOULDER), (wide * 0.75, _SHOULDER), 0.065, 0.065), top)
    figure.paint(trunk * (0.42, 1.0) - (0.5 * wide, 0.0), top * 0.86)
    if rng.uniform() < 0.3:
        pack = _pick(rng, CLOTH)
        if figure.side:
            figure.paint(capsule((-wide - 0.05, 1.32), (-wide - 0.05, 1.05), 0.11, 0.12), pack)
        elif figure.back:
            figure.paint(rectangle(-0.75 * wide, 0.98, 0.75 * wide, 1.42), pack)


def _draw_arms(figure: _Figure) -> None:
    """The arms in front of the trunk: one from the side, two from the front or behind."""
    wide = figure.wide
    arms = ((0.0, -0.8 * figure.stride),) if figure.side else ((-wide, -0.10), (wide, 0.10))
    for root, angle in arms:
        bend = angle + (0.35 if figure.side else -0.06 * float(np.sign(root)))
        joints = _bend((root, _SHOULDER - 0.04), (0.30, 0.26), (angle, bend))
        figure.limb(joints, [0.066, 0.055, 0.045], figure.top * 0.92)
        figure.paint(disc(joints[2][0], joints[2][1] - 0.03, 0.048), figure.skin)


@dataclass(frozen=True)
class Seat:
    """Where a rider touches the machine, side view, metres: saddle, handlebar and pedal."""

    saddle: tuple[float, float]
    bar: tuple[float, float]
    pedal: tuple[float, float]
    other_pedal: tuple[float, float]


def draw_rider_side(plate: Plate, surface: int, rng: np.random.Generator, seat: Seat, helmet: bool) -> None:
    """A rider seen from the side, facing right in the plate."""
    top, legs = _pick(rng, CLOTH), _pick(rng, CLOTH)
    (sx, sy), (bx, by) = seat.saddle, seat.bar
    hip = (sx + 0.02, sy + 0.08)
    shoulder = (sx + 0.52 * (bx - sx), sy + 0.60)
    for pedal, tone in ((seat.other_pedal, 0.72), (seat.pedal, 1.0)):
        knee = _knee(hip, pedal, 0.46)
        _limb(plate, surface, [hip, knee, pedal], [0.10, 0.08, 0.055], legs * tone)
        plate.paint(
            surface,
            capsule((pedal[0] - 0.05, pedal[1]), (pedal[0] + 0.14, pedal[1] - 0.01), 0.05, 0.04),
            np.array((40, 40, 44)) * tone,
        )
        if tone < 1:
            plate.paint(surface, capsule(shoulder, (bx, by), 0.06, 0.04), top * 0.7)
    plate.paint(surface, capsule(hip, shoulder, 0.14, 0.125), top)
    plate.paint(surface, capsule((hip[0] - 0.05, hip[1]), (shoulder[0] - 0.06, shoulder[1]), 0.07, 0.06), top * 0.85)
    _head(plate, surface, rng, shoulder[0] + 0.10, shoulder[1] + 0.25, 1.0, True, False)
    if helmet:
        _helmet(plate, surface, rng, shoulder[0] + 0.10, shoulder[1] + 0.28)
    elbow = ((shoulder[0] + bx) / 2 - 0.02, (shoulder[1] + by) / 2 - 0.07)
    _limb(plate, surface, [(shoulder[0], shoulder[1] - 0.04), elbow, (bx, by)], [0.065, 0.05, 0.04], top * 0.95)
    plate.paint(surface, disc(bx, by, 0.05), _pick(rng, SKIN))


def draw_rider_back(
    plate: Plate, surface: int, rng: np.random.Generator, saddle: float, helmet: bool, front: bool
) -> None:
    """A rider seen from behind or from the front; ``saddle`` is the saddle's height."""
    top, legs = _pick(rng, CLOTH), _pick(rng, CLOTH)
    hip, shoulder = saddle + 0.06, saddle + 0.62
    for sign, lift in ((-1, 0.0), (1, 0.22)):
        foot = (sign * 0.13, max(saddle - 0.66 + lift, 0.1))
        _limb(
            plate,
            surface,
            [(sign * 0.10, hip), (sign * 0.17, (hip + foot[1]) / 2 + 0.04), foot],
            [0.11, 0.085, 0.06],
            legs * (0.85 + 0.15 * sign),
        )
        plate.paint(surface, disc(foot[0], foot[1] - 0.03, 0.06), np.array((40, 40, 44)))
    plate.paint(surface, np.array([(-0.21, shoulder), (0.21, shoulder), (0.17, hip - 0.08), (-0.17, hip - 0.08)]), top)
    plate.paint(surface, capsule((-0.16, shoulder), (0.16, shoulder), 0.07, 0.07), top)
    plate.paint(surface, np.array([(-0.2, shoulder), (-0.06, shoulder), (-0.06, hip), (-0.16, hip)]), top * 0.85)
    for sign in (-1, 1):
        joints = [(sign * 0.21, shoulder - 0.03), (sign * 0.31, shoulder - 0.28), (sign * 0.26, saddle + 0.16)]
        _limb(plate, surface, joints, [0.066, 0.055, 0.045], top * 0.9)
    _head(plate, surface, rng, 0.0, shoulder + 0.22, 1.0, False, not front)
    if helmet:
        _helmet(plate, surface, rng, 0.0, shoulder + 0.25)


def _helmet(plate: Plate, surface: int, rng: np.random.Generator, x: float, y: float) -> None:
    dome = disc(x, y, 0.145, 0.92)
    dome[:, 1] = np.maximum(dome[:, 1], y - 0.05)
    plate.paint(surface, dome, _pick(rng, CLOTH))


def _knee(hip: tuple[float, float], foot: tuple[float, float], thigh: float) -> tuple[float, float]:
    """The knee of a leg with equal thigh and shin, bent forwards."""
    dx, dy = foot[0] - hip[0], foot[1] - hip[1]
    span = max(float(np.hypot(dx, dy)), 1e-6)
    out = float(np.sqrt(max(thigh**2 - (span / 2) ** 2, 0.0)))
    return (hip[0] + dx / 2 - dy / span * out, hip[1] + dy / 2 + dx / span * out)
