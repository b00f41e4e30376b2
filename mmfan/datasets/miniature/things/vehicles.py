"""Cars, lorries, buses and trams, as solids with wheels, windows and lamps."""

from itertools import pairwise

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import disc
from mmfan.datasets.miniature.render.solids import Decal, Face, Place, box, draw_solid, ground_shadow

CAR_PAINT = (
    (26, 27, 30), (44, 46, 50), (120, 124, 128), (188, 190, 192), (232, 232, 230), (40, 62, 112), (142, 28, 30),
    (28, 76, 60), (170, 152, 120), (92, 34, 40), (84, 122, 160), (196, 120, 40), (90, 96, 84), (214, 196, 90),
)  # fmt: skip
LIVERY = ((216, 196, 60), (190, 40, 40), (232, 230, 224), (44, 92, 152), (60, 128, 76), (208, 112, 36), (116, 120, 126))
GLASS = np.array((44, 54, 64))
TYRE = np.array((22, 22, 24))
_ROUND = np.linspace(0, 2 * np.pi, 14, endpoint=False)

# length, width, height, belt height, hood length, boot length, slope of windscreen, slope of rear window
CAR_BODIES = {
    "hatchback": (4.0, 1.75, 1.48, 0.92, 0.95, 0.05, 0.75, 0.45),
    "saloon": (4.6, 1.82, 1.44, 0.93, 1.15, 0.65, 0.80, 0.75),
    "estate": (4.7, 1.82, 1.50, 0.93, 1.10, 0.05, 0.80, 0.35),
    "off-road": (4.5, 1.90, 1.72, 1.05, 1.05, 0.05, 0.60, 0.25),
    "van": (4.9, 1.92, 1.95, 1.15, 0.75, 0.02, 0.75, 0.10),
}


def _sheet(points: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """A symmetric sheet between two (forward, up, half width) edges, wound to face outwards."""
    (a, ya, wa), (b, yb, wb) = points
    return [(a, ya, -wa), (a, ya, wa), (b, yb, wb), (b, yb, -wb)]


def _wheel(at: float, side: float, radius: float, hub: np.ndarray) -> list[Decal]:
    """Tyre and hub as decals on a side plane."""
    decals: list[Decal] = []
    for size, colour in ((radius, TYRE), (0.62 * radius, hub), (0.2 * radius, hub * 0.5)):
        ring = disc(at, radius, size)
        decals.append((np.column_stack([ring, np.full(len(ring), side)]), colour, 0.0))
    return decals


def _lamp(at: float, y: tuple[float, float], t: tuple[float, float]) -> list[tuple[float, float, float]]:
    return [(at, y[0], t[0]), (at, y[0], t[1]), (at, y[1], t[1]), (at, y[1], t[0])]


def car_faces(rng: np.random.Generator, dark: float) -> tuple[list[Face], tuple[float, float, float]]:
    """The faces of a random car and its (length, width, height) in metres."""
    body = tuple(CAR_BODIES)[int(rng.choice(5, p=(0.27, 0.25, 0.16, 0.18, 0.14)))]
    length, width, height, belt, hood, boot, front_slope, rear_slope = CAR_BODIES[body]
    paint = np.array(CAR_PAINT[int(rng.integers(len(CAR_PAINT)))]) * rng.uniform(0.85, 1.1)
    rear, front, half = -length / 2, length / 2, width / 2
    roof_half, low = half - 0.2, 0.26
    rear_foot, front_foot = rear + boot, front - hood
    rear_top, front_top = rear_foot + rear_slope, front_foot - front_slope
    nose = belt - 0.16
    glass = GLASS * rng.uniform(0.7, 1.5)
    faces = [
        # Wheels seen under the bumpers.
        *(Face(_lamp(rear + 0.35, (0, 0.5), (t, t + 0.22)), TYRE) for t in (-half + 0.06, half - 0.28)),
        *(Face(_lamp(front - 0.4, (0, 0.5), (t, t - 0.22)), TYRE) for t in (half - 0.06, -half + 0.28)),
        Face(_sheet([(rear_foot, belt, half), (rear_top, height, roof_half)]), paint * 0.95),
        Face(_sheet([(rear_top, height, roof_half), (front_top, height, roof_half)]), paint * 1.05),
        Face(_sheet([(front_top, height, roof_half), (front_foot, belt, half)]), paint * 0.95),
        Face(_sheet([(front_foot, belt, half), (front, nose, half)]), paint),
        Face(_sheet([(rear, belt - 0.03, half), (rear_foot, belt, half)]), paint),
    ]
    for sheet, share in ((faces[4], 0.9), (faces[6], 0.94)):
        corners = np.asarray(sheet.corners)
        middle = corners.mean(axis=0) + np.array((0, 0.015, 0))
        pane = middle + (corners - middle) * (share, share * 0.92, share * 0.9)
        sheet.decals += [(pane, glass, 0.0), (_gleam(pane, rng), np.clip(glass * 1.45 + 8, 0, 230), 0.0)]
    faces.append(_rear_end(rear, belt, half, low, paint, dark))
    faces.append(_front_end(front, nose, half, low, paint, dark))
    hub = np.array((150, 152, 156)) * rng.uniform(0.4, 1.1)
    for side in (half, -half):
        outline = [(rear, low, side), (rear, belt - 0.03, side), (rear_foot, belt, side), (front_foot, belt, side)]
        outline += [(front, nose, side), (front, low, side)]
        top = roof_half if side > 0 else -roof_half
        cabin = [(rear_foot, belt, side), (rear_top, height, top), (front_top, height, top), (front_foot, belt, side)]
        windows = _side_windows(rear_foot, rear_top, front_top, front_foot, belt, height, side, top)
        decals: list[Decal] = [(w, glass * 0.9, 0.0) for w in windows if body != "van" or w[0][0] > -0.2]
        decals_low: list[Decal] = []
        for at in (rear + 0.17 * length, front - 0.18 * length):
            arch = disc(at, 0.33, 0.39)
            arch[:, 1] = np.maximum(arch[:, 1], low)
            decals_low.append((np.column_stack([arch, np.full(len(arch), side)]), paint * 0.25, 0.0))
            decals_low += _wheel(at, side, 0.32, hub)
        door = [(-0.06, 0.36, side), (-0.06, belt, side), (-0.02, belt, side), (-0.02, 0.36, side)]
        sill = [(rear, low, side), (rear, 0.42, side), (front, 0.42, side), (front, low, side)]
        crease = [(rear, 0.72, side), (rear, 0.77, side), (front, 0.68, side), (front, 0.63, side)]
        trim = [(sill, paint * 0.55, 0.0), (crease, np.clip(paint * 1.25 + 6, 0, 245), 0.0), (door, paint * 0.6, 0.0)]
        decals_low = trim + decals_low
        turn = slice(None, None, -1) if side > 0 else slice(None)
        faces.append(Face(cabin[turn], paint * 0.9, decals))
        faces.append(Face(outline[turn], paint, decals_low))
    return faces, (length, width, height)


def _gleam(pane: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A slanted band across a pane in which the sky shows, corners (4, 3) of the pane in order."""
    start, wide, lean = rng.uniform(0.1, 0.5), rng.uniform(0.2, 0.4), rng.uniform(0.05, 0.15)
    a, b, c, d = pane
    low = [a + (b - a) * share for share in (start, start + wide)]
    high = [d + (c - d) * share for share in (start + lean + wide, start + lean)]
    return np.array([*low, *high])


def _side_windows(
    rear_foot: float,
    rear_top: float,
    front_top: float,
    front_foot: float,
    belt: float,
    height: float,
    side: float,
    top: float,
) -> list[list[tuple[float, float, float]]]:
    """Rear and front side windows on a cabin side that leans inwards."""

    def on_plane(s_low: float, s_high: float, share: float) -> tuple[float, float, float]:
        return (s_low + (s_high - s_low) * share, belt + (height - belt) * share, side + (top - side) * share)

    windows = []
    for low0, high0, low1, high1 in (
        (rear_foot + 0.22, rear_top + 0.12, -0.10, -0.10),
        (0.02, 0.02, front_foot - 0.25, front_top - 0.1),
    ):
        windows.append(
            [
                on_plane(low0, high0, 0.08),
                on_plane(low0, high0, 0.86),
                on_plane(low1, high1, 0.86),
                on_plane(low1, high1, 0.08),
            ]
        )
    return windows


def _rear_end(rear: float, belt: float, half: float, low: float, paint: np.ndarray, dark: float) -> Face:
    """The tail with lamps, number plate and bumper."""
    glow = 0.25 + 0.6 * dark
    decals: list[Decal] = [
        (_lamp(rear, (low, 0.45), (-half, half)), paint * 0.45 + 12, 0.0),
        (_lamp(rear, (0.63, 0.89), (-half, -half + 0.40)), paint * 0.45, 0.0),
        (_lamp(rear, (0.63, 0.89), (half - 0.40, half)), paint * 0.45, 0.0),
        (_lamp(rear, (0.66, 0.86), (-half + 0.03, -half + 0.36)), (204, 30, 24), glow),
        (_lamp(rear, (0.66, 0.86), (half - 0.36, half - 0.03)), (204, 30, 24), glow),
        (_lamp(rear, (0.52, 0.64), (-0.27, 0.27)), (226, 226, 220), 0.0),
    ]
    return Face(_lamp(rear, (low, belt - 0.03), (-half, half)), paint * 0.92, decals)


def _front_end(front: float, nose: float, half: float, low: float, paint: np.ndarray, dark: float) -> Face:
    """The face with headlamps, grille, number plate and bumper."""
    glow = 0.25 + 0.75 * dark
    lamp = (238, 236, 220)
    decals: list[Decal] = [
        (_lamp(front, (low, 0.40), (half, -half)), paint * 0.4 + 12, 0.0),
        (_lamp(front, (0.48, nose - 0.1), (0.45, -0.45)), (28, 28, 30), 0.0),
        (_lamp(front, (nose - 0.22, nose - 0.05), (half - 0.02, half - 0.40)), lamp, glow),
        (_lamp(front, (nose - 0.22, nose - 0.05), (-half + 0.40, -half + 0.02)), lamp, glow),
        (_lamp(front, (0.40, 0.51), (0.26, -0.26)), (226, 226, 220), 0.0),
    ]
    return Face(_lamp(front, (low, nose), (half, -half)), paint * 0.95, decals)


def _panels(
    side: float, spans: list[tuple[float, float]], y: tuple[float, float], colour: np.ndarray, glow: float = 0.0
) -> list:
    """Rectangles on a side plane: (from, to) along the vehicle and heights."""
    return [([(a, y[0], side), (a, y[1], side), (b, y[1], side), (b, y[0], side)], colour, glow) for a, b in spans]


def truck_faces(rng: np.random.Generator, dark: float) -> tuple[list[Face], tuple[float, float, float]]:
    """The faces of a lorry (cab, gap, cargo body on a chassis) and its (length, width, height)."""
    length, width, height = rng.uniform(6.5, 8.5), 2.4, rng.uniform(3.0, 3.7)
    rear, front, half = -length / 2, length / 2, width / 2
    cargo = np.array(LIVERY[int(rng.integers(len(LIVERY)))]) * rng.uniform(0.85, 1.05)
    cab = np.array(CAR_PAINT[int(rng.integers(len(CAR_PAINT)))]) * rng.uniform(0.9, 1.1)
    cab_rear = front - 1.9
    body = box((rear, cab_rear - 0.35), (0.95, height), (-half, half), cargo)
    back, _, left, right, _ = body
    for t in (-half + 0.06, half - 0.06 - 0.05, -0.03):
        back.decals.append((_lamp(rear, (1.05, height - 0.1), (t, t + 0.05)), cargo * 0.55, 0.0))
    for y in (1.5, height - 0.7):
        back.decals.append((_lamp(rear, (y, y + 0.07), (-half + 0.1, half - 0.1)), cargo * 0.7, 0.0))
    emblem = np.array(LIVERY[int(rng.integers(len(LIVERY)))])
    for face, side in ((left, half), (right, -half)):
        ribs = np.linspace(rear + 0.3, cab_rear - 0.6, 8)
        face.decals += _panels(side, [(s, s + 0.05) for s in ribs], (1.0, height - 0.05), cargo * 0.8)
        face.decals += _panels(side, [(rear + 1.0, cab_rear - 1.6)], (1.7, 2.5), emblem)
    frame = box((rear + 0.05, front - 0.3), (0.45, 0.95), (-half + 0.15, half - 0.15), np.array((44, 44, 46)))
    glow = 0.25 + 0.6 * dark
    for t in (-half + 0.18, half - 0.5):
        frame[0].decals.append((_lamp(rear + 0.05, (0.62, 0.82), (t, t + 0.32)), (168, 24, 20), glow))
    frame[0].decals.append((_lamp(rear + 0.05, (0.6, 0.74), (-0.27, 0.27)), (224, 224, 214), 0.0))
    hub = np.array((110, 110, 112))
    for face, side in ((frame[2], half - 0.15), (frame[3], -half + 0.15)):
        for at in (rear + 1.1, rear + 2.2, front - 1.0):
            face.decals += _wheel(at, side, 0.5, hub)
    cabin = box((cab_rear, front), (0.5, min(height - 0.35, 2.75)), (-half + 0.05, half - 0.05), cab)
    top = min(height - 0.35, 2.75)
    cabin[1].decals += [
        (_lamp(front, (1.45, top - 0.3), (half - 0.15, -half + 0.15)), GLASS * 1.2, 0.0),
        (_lamp(front, (0.75, 1.3), (0.8, -0.8)), (30, 30, 32), 0.0),
        (_lamp(front, (0.62, 0.85), (half - 0.1, half - 0.5)), (238, 236, 220), glow),
        (_lamp(front, (0.62, 0.85), (-half + 0.5, -half + 0.1)), (238, 236, 220), glow),
    ]
    for face, side in ((cabin[2], half - 0.05), (cabin[3], -half + 0.05)):
        face.decals += _panels(side, [(cab_rear + 0.6, front - 0.15)], (1.5, top - 0.35), GLASS * 1.1)
        face.decals += _wheel(front - 1.0, side, 0.5, hub)
    wheels = [Face(_lamp(rear + 0.6, (0, 0.6), (t, t + 0.5)), TYRE) for t in (-half + 0.1, half - 0.6)]
    wheels += [Face(_lamp(front - 0.6, (0, 0.6), (t, t - 0.4)), TYRE) for t in (half - 0.1, -half + 0.5)]
    return wheels + frame + body + cabin, (length, width, height)


def bus_faces(rng: np.random.Generator, dark: float) -> tuple[list[Face], tuple[float, float, float]]:
    """The faces of a city bus (one long box, band of windows, doors, number above the screen) and its size."""
    length, width, height = rng.uniform(9.0, 12.0), 2.5, rng.uniform(2.95, 3.2)
    rear, front, half = -length / 2, length / 2, width / 2
    paint = np.array(LIVERY[int(rng.integers(len(LIVERY)))]) * rng.uniform(0.85, 1.05)
    skirt = np.array(LIVERY[int(rng.integers(len(LIVERY)))]) * 0.8
    glow, inside = 0.25 + 0.6 * dark, 0.75 * dark
    pane = GLASS * 1.15 + dark * np.array((150, 130, 80))
    body = box((rear, front), (0.32, height), (-half, half), paint)
    back, nose, left, right, _ = body
    back.decals += [
        (_lamp(rear, (1.7, height - 0.45), (-half + 0.18, half - 0.18)), GLASS, 0.0),
        (_lamp(rear, (0.32, 0.75), (-half, half)), skirt, 0.0),
        (_lamp(rear, (0.85, 1.5), (-0.75, 0.75)), paint * 0.7, 0.0),
        (_lamp(rear, (0.85, 1.25), (-half + 0.05, -half + 0.28)), (176, 24, 20), glow),
        (_lamp(rear, (0.85, 1.25), (half - 0.28, half - 0.05)), (176, 24, 20), glow),
        (_lamp(rear, (height - 0.38, height - 0.12), (-0.4, 0.4)), (24, 24, 26), 0.0),
        (_lamp(rear, (height - 0.33, height - 0.17), (-0.3, 0.3)), (240, 170, 40), 0.8),
    ]
    nose.decals += [
        (_lamp(front, (1.05, height - 0.4), (half - 0.1, -half + 0.1)), GLASS * 1.1, 0.0),
        (_lamp(front, (0.32, 0.6), (half, -half)), skirt, 0.0),
        (_lamp(front, (height - 0.36, height - 0.08), (0.95, -0.95)), (20, 20, 22), 0.0),
        (_lamp(front, (height - 0.31, height - 0.14), (0.75, -0.45)), (244, 176, 44), 0.85),
        (_lamp(front, (0.62, 0.85), (half - 0.08, half - 0.5)), (240, 238, 222), glow),
        (_lamp(front, (0.62, 0.85), (-half + 0.5, -half + 0.08)), (240, 238, 222), glow),
    ]
    hub = np.array((128, 128, 130))
    edges = np.linspace(rear + 0.35, front - 0.45, 8)
    for face, side in ((left, half), (right, -half)):
        face.decals += _panels(side, [(rear, front)], (0.32, 0.8), skirt)
        face.decals += _panels(
            side,
            [(a + 0.05, b - 0.05) for a, b in pairwise(edges)],
            (1.25, height - 0.5),
            pane,
            inside,
        )
        if side < 0:
            for at in (front - 1.5, rear + 0.52 * length):
                face.decals += _panels(
                    side, [(at, at + 0.58), (at + 0.64, at + 1.2)], (0.4, height - 0.5), pane * 0.8, inside
                )
        for at in (rear + 2.2, front - 2.6):
            face.decals += _wheel(at, side, 0.48, hub)
    wheels = [Face(_lamp(rear + 1.4, (0, 0.5), (t, t + 0.35)), TYRE) for t in (-half + 0.1, half - 0.45)]
    wheels += [Face(_lamp(front - 1.6, (0, 0.5), (t, t - 0.35)), TYRE) for t in (half - 0.1, -half + 0.45)]
    return wheels + body, (length, width, height)


PAINTERS = {"car": car_faces, "truck": truck_faces, "bus": bus_faces}


def draw_vehicle(
    canvas: Canvas, kind: str, faces: list[Face], size: tuple[float, float, float], place: Place, sun: np.ndarray
) -> bool:
    """Paint a vehicle made by one of PAINTERS; returns whether it was in sight of the near plane."""
    length, width, height = size
    painted = draw_solid(canvas, kind, faces, place, canvas.new_object())
    if painted:
        ground_shadow(canvas, sun, place, (-length / 2, length / 2), (-width / 2, width / 2), height)
    return painted
