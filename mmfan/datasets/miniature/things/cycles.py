"""Bicycles and motorcycles, parked or ridden, seen from the side or along the street."""

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import capsule, disc, rectangle, stroke
from mmfan.datasets.miniature.render.solids import Place, ground_shadow
from mmfan.datasets.miniature.things.people import Plate, Seat, draw_rider_back, draw_rider_side, plate_at

FRAME = ((30, 30, 34), (150, 34, 36), (38, 76, 134), (44, 104, 70), (206, 204, 198), (196, 150, 48), (96, 100, 106))
TYRE = np.array((26, 26, 28))
WHEEL = 0.35


def _ring(
    plate: Plate, surface: int, x: float, y: float, radius: float, thick: float, squash: float, colour: np.ndarray
) -> None:
    """A wheel: the label covers the whole disc, as annotators draw it; between tyre and spokes one sees through."""
    plate.claim(surface, disc(x * squash, y, radius, squash))
    turn = np.linspace(0, 2 * np.pi, 17)
    unit = np.stack([np.cos(turn) * squash, np.sin(turn)], axis=1)
    outer, inner = unit * radius + (x * squash, y), unit * (radius - thick) + (x * squash, y)
    for i in range(16):
        plate.tint(np.array([outer[i], outer[i + 1], inner[i + 1], inner[i]]), colour)
    for i in range(0, 8, 2):
        plate.tint(stroke(tuple(inner[i]), tuple(inner[i + 8]), 0.014), np.array((128, 130, 132)))


def _bicycle_side(plate: Plate, surface: int, rng: np.random.Generator, squash: float) -> Seat:
    colour = np.array(FRAME[int(rng.integers(len(FRAME)))]) * rng.uniform(0.8, 1.2)
    rear, front = (-0.52, WHEEL), (0.55, WHEEL)
    crank, saddle, head, bar = (-0.06, 0.30), (-0.24, 0.92), (0.36, 0.86), (0.32, 1.06)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] * squash, point[1])

    plate.claim(surface, np.array([at(rear), at(front), at(head), at(saddle)]))
    for x, y in (rear, front):
        _ring(plate, surface, x, y, WHEEL, 0.06, squash, TYRE)
        plate.paint(surface, disc(x * squash, y, 0.05, squash), np.array((90, 92, 96)))
    for start, end, wide in (
        (rear, crank, 0.045), (rear, (-0.2, 0.76), 0.04), (crank, saddle, 0.055), (crank, head, 0.06),
        ((-0.2, 0.78), head, 0.055), (front, head, 0.05), (head, bar, 0.045),
    ):  # fmt: skip
        plate.paint(surface, stroke(at(start), at(end), wide), colour)
    plate.paint(surface, capsule(at((-0.36, 0.95)), at((-0.12, 0.95)), 0.05, 0.03), np.array((28, 26, 26)))
    plate.paint(surface, capsule(at((0.28, 1.06)), at((0.42, 1.02)), 0.03, 0.025), np.array((34, 34, 36)))
    plate.paint(surface, disc(at(crank)[0], crank[1], 0.09, squash), np.array((70, 70, 74)))
    if rng.uniform() < 0.3:
        plate.paint(surface, rectangle(0.42 * squash, 0.80, 0.75 * squash, 1.02), np.array((120, 92, 60)))
    spin = rng.uniform(0, 2 * np.pi)
    reach = (0.17 * float(np.cos(spin)), 0.17 * float(np.sin(spin)))
    pedal, other = (crank[0] + reach[0], crank[1] + reach[1]), (crank[0] - reach[0], crank[1] - reach[1])
    return Seat(at(saddle), at(bar), at(pedal), at(other))


def _bicycle_back(plate: Plate, surface: int, rng: np.random.Generator) -> float:
    colour = np.array(FRAME[int(rng.integers(len(FRAME)))])
    plate.paint(surface, capsule((0, 0.06), (0, 0.64), 0.045, 0.045), TYRE)
    plate.paint(surface, stroke((0, 0.6), (0, 0.92), 0.07), colour)
    plate.paint(surface, capsule((-0.09, 0.93), (0.09, 0.93), 0.05, 0.05), np.array((28, 26, 26)))
    plate.paint(surface, capsule((-0.29, 1.06), (0.29, 1.06), 0.03, 0.03), np.array((50, 50, 54)))
    plate.paint(surface, rectangle(-0.2, 0.52, 0.2, 0.58), colour * 0.8)
    plate.paint(surface, rectangle(-0.05, 0.66, 0.05, 0.74), np.array((190, 26, 24)))
    return 0.92


def _motorcycle_side(plate: Plate, surface: int, rng: np.random.Generator, squash: float) -> Seat:
    colour = np.array(FRAME[int(rng.integers(len(FRAME)))]) * rng.uniform(0.8, 1.2)
    scooter = rng.uniform() < 0.35
    radius = 0.25 if scooter else 0.32
    dark, metal = np.array((40, 40, 44)), np.array((128, 130, 134))

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] * squash, point[1])

    def limb(start: tuple[float, float], end: tuple[float, float], r0: float, r1: float, paint: np.ndarray) -> None:
        plate.paint(surface, capsule(at(start), at(end), r0, r1), paint)

    for x in (-0.70, 0.72):
        plate.paint(surface, disc(x * squash, radius, radius, squash), TYRE)
        plate.paint(surface, disc(x * squash, radius, radius * 0.6, squash), metal * 0.6)
        plate.paint(surface, disc(x * squash, radius, radius * 0.35, squash), dark)
    limb((0.72, radius), (0.46, 0.92), 0.045, 0.05, metal)
    if scooter:
        limb((-0.75, 0.58), (-0.2, 0.52), 0.2, 0.16, colour)
        plate.paint(surface, rectangle(-0.3 * squash, 0.2, 0.4 * squash, 0.32), colour * 0.8)
        limb((0.42, 0.26), (0.46, 0.95), 0.07, 0.09, colour)
    else:
        plate.paint(surface, np.array([at(p) for p in ((-0.35, 0.25), (0.3, 0.22), (0.35, 0.62), (-0.35, 0.62))]), dark)
        limb((-0.1, 0.36), (0.15, 0.36), 0.14, 0.12, metal * 0.7)
        limb((-0.9, 0.36), (-0.05, 0.26), 0.06, 0.045, metal)
        limb((-0.05, 0.74), (0.32, 0.78), 0.13, 0.16, colour)
        limb((0.62, 0.66), (0.86, 0.58), 0.05, 0.03, colour)
    limb((-0.85, 0.80), (-0.1, 0.76), 0.06, 0.08, np.array((30, 28, 28)))
    limb((-0.95, 0.74), (-0.8, 0.62), 0.05, 0.04, colour)
    plate.paint(surface, disc(-0.97 * squash, 0.72, 0.05, squash), np.array((186, 28, 24)))
    limb((0.36, 1.02), (0.52, 1.02), 0.035, 0.035, dark)
    plate.paint(surface, disc(0.62 * squash, 0.86, 0.10, squash), np.array((226, 226, 214)))
    plate.paint(surface, stroke(at((0.48, 1.02)), at((0.56, 1.22)), 0.03), dark)
    return Seat(at((-0.32, 0.82)), at((0.40, 1.04)), at((-0.02, 0.30)), at((0.02, 0.32)))


def _motorcycle_back(plate: Plate, surface: int, rng: np.random.Generator, front: bool) -> float:
    colour = np.array(FRAME[int(rng.integers(len(FRAME)))])
    dark = np.array((40, 40, 44))
    plate.paint(surface, capsule((0, 0.10), (0, 0.55), 0.10, 0.10), TYRE)
    plate.paint(surface, rectangle(-0.22, 0.34, 0.22, 0.62), dark)
    plate.paint(surface, capsule((-0.26, 0.34), (-0.26, 0.4), 0.06, 0.06), np.array((128, 128, 130)))
    plate.paint(surface, np.array([(-0.2, 0.6), (0.2, 0.6), (0.16, 0.92), (-0.16, 0.92)]), colour)
    plate.paint(surface, capsule((-0.38, 1.04), (0.38, 1.04), 0.035, 0.035), dark)
    for sign in (-1, 1):
        plate.paint(surface, stroke((sign * 0.28, 1.04), (sign * 0.33, 1.2), 0.03), dark)
        plate.paint(surface, disc(sign * 0.35, 1.22, 0.07), dark)
    if front:
        plate.paint(surface, disc(0, 0.84, 0.13), np.array((244, 242, 226)))
    else:
        plate.paint(surface, rectangle(-0.12, 0.74, 0.12, 0.82), np.array((196, 26, 24)))
        plate.paint(surface, rectangle(-0.11, 0.5, 0.11, 0.66), np.array((224, 224, 216)))
    return 0.82


def draw_cycle(
    canvas: Canvas,
    rng: np.random.Generator,
    kind: str,
    x: float,
    z: float,
    sun: np.ndarray,
    ridden: bool,
    sideways: bool,
    y: float = 0.0,
) -> None:
    """A two-wheeler at (x, z).

    Args:
        canvas: What is painted on.
        rng: Source of colours and poses.
        kind: "bicycle" or "motorcycle".
        x: Where it stands, metres.
        z: Distance along the street, metres.
        sun: Unit vector towards the sun.
        ridden: With a rider (class "rider", an object of its own).
        sideways: Seen from the side instead of along the street.
        y: Height of the pavement, metres.
    """
    plate = plate_at(canvas, x, z, y, flip=1.0 if rng.uniform() < 0.5 else -1.0)
    if plate is None:
        return
    machine = canvas.surface(kind, (0, 0, 0), (x, 0, z), canvas.new_object(), grain="smooth")
    helmet = kind == "motorcycle" or rng.uniform() < 0.5
    front = rng.uniform() < 0.5
    rider = canvas.surface("rider", (0, 0, 0), (x, 0, z), canvas.new_object(), grain="cloth") if ridden else -1
    if sideways:
        squash = rng.uniform(0.72, 1.0)
        side = _bicycle_side if kind == "bicycle" else _motorcycle_side
        seat = side(plate, machine, rng, squash)
        if ridden:
            draw_rider_side(plate, rider, rng, seat, helmet)
    else:
        saddle = (
            _bicycle_back(plate, machine, rng) if kind == "bicycle" else _motorcycle_back(plate, machine, rng, front)
        )
        if ridden:
            draw_rider_back(plate, rider, rng, saddle, helmet, front)
    half = 0.85 if sideways else 0.2
    tall = 1.75 if ridden else 1.0
    ground_shadow(canvas, sun, Place(x, z), (-0.2, 0.2), (-half, half), tall)
