"""Street furniture: lamp posts, traffic lights, signs, bollards, bins."""

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import capsule, disc, rectangle, stroke
from mmfan.datasets.miniature.render.solids import Place, box, draw_solid, ground_shadow
from mmfan.datasets.miniature.things.people import Plate, plate_at

METAL = ((92, 96, 98), (60, 70, 66), (130, 132, 130), (48, 50, 54), (150, 148, 140), (74, 92, 78), (104, 84, 66))


def _post(plate: Plate, surface: int, colour: np.ndarray, height: float, radius: float, x: float = 0.0) -> None:
    """A round post: three strips of brightness."""
    plate.paint(surface, rectangle(x - radius, 0, x + radius, height), colour)
    plate.paint(surface, rectangle(x - radius, 0, x - 0.3 * radius, height), np.clip(colour * 1.3, 0, 250))
    plate.paint(surface, rectangle(x + 0.4 * radius, 0, x + radius, height), colour * 0.65)


def _metal(rng: np.random.Generator) -> np.ndarray:
    return np.array(METAL[int(rng.integers(len(METAL)))]) * rng.uniform(0.75, 1.2)


def draw_lamp_post(canvas: Canvas, rng: np.random.Generator, x: float, z: float, sun: np.ndarray, dark: float) -> None:
    """A lamp post with an arm over the road."""
    plate = plate_at(canvas, x, z, flip=-1.0 if x > 0 else 1.0)
    if plate is None:
        return
    surface = canvas.surface("pole", (0, 0, 0), (x, 0, z), grain="plain")
    colour, height = _metal(rng), rng.uniform(5.0, 8.0)
    _post(plate, surface, colour, height, 0.10)
    plate.paint(surface, rectangle(-0.15, 0, 0.15, 0.9), colour * 0.85)
    arm = rng.uniform(0.8, 1.8)
    plate.paint(surface, stroke((0, height - 0.05), (arm, height + 0.25), 0.10), colour)
    plate.paint(surface, capsule((arm - 0.2, height + 0.22), (arm + 0.4, height + 0.26), 0.09, 0.07), colour * 0.8)
    if dark > 0.3:
        lamp = canvas.surface("pole", (0, 0, 0), (x, 0, z), grain="smooth", glow=1.0)
        plate.paint(
            lamp,
            capsule((arm - 0.05, height + 0.15), (arm + 0.35, height + 0.18), 0.06, 0.06),
            np.array((255, 226, 170)),
        )
    ground_shadow(canvas, sun, Place(x, z), (-0.1, 0.1), (-0.1, 0.1), height)


def draw_traffic_light(canvas: Canvas, rng: np.random.Generator, x: float, z: float, sun: np.ndarray) -> None:
    """A traffic light on its post, seen from the front, from behind or from the side."""
    plate = plate_at(canvas, x, z)
    if plate is None:
        return
    post = canvas.surface("pole", (0, 0, 0), (x, 0, z), grain="plain")
    head = canvas.surface("traffic light", (0, 0, 0), (x, 0, z), grain="smooth")
    lit = canvas.surface("traffic light", (0, 0, 0), (x, 0, z), grain="smooth", glow=1.0)
    colour = _metal(rng)
    low = rng.uniform(2.2, 2.8)
    _post(plate, post, colour, low + 1.0, 0.085)
    heads = [(0.0, low, 1.0)]
    if rng.uniform() < 0.45:
        # A second head on an arm over the road.
        arm = (-1 if x > 0 else 1) * rng.uniform(1.6, 2.8)
        top = low + rng.uniform(1.6, 2.4)
        _post(plate, post, colour, top + 0.6, 0.085)
        plate.paint(post, stroke((0, top + 0.55), (arm, top + 0.55), 0.10), colour)
        heads.append((arm, top - 0.4, 1.0))
    housing = np.array(((34, 36, 36), (46, 58, 44), (58, 58, 60))[int(rng.integers(3))])
    phase = int(rng.integers(3))
    behind = rng.uniform() < 0.2
    for hx, hy, size in heads:
        if rng.uniform() < 0.4:
            plate.paint(
                head,
                rectangle(hx - 0.27 * size, hy - 0.08, hx + 0.27 * size, hy + 1.08 * size),
                np.array((210, 208, 200)),
            )
        plate.paint(head, rectangle(hx - 0.20 * size, hy, hx + 0.20 * size, hy + size), housing)
        if behind:
            plate.paint(head, rectangle(hx - 0.12 * size, hy + 0.08, hx + 0.12 * size, hy + 0.92 * size), housing * 0.7)
            continue
        for i, shine in enumerate(((60, 240, 120), (255, 190, 50), (255, 54, 40))):
            centre = hy + (0.18 + 0.32 * i) * size
            if i == phase:
                plate.paint(lit, disc(hx, centre, 0.125 * size), np.array(shine))
            else:
                plate.paint(head, disc(hx, centre, 0.125 * size), np.array(shine) * 0.22)
    ground_shadow(canvas, sun, Place(x, z), (-0.1, 0.1), (-0.1, 0.1), low + 1)


def draw_sign(canvas: Canvas, rng: np.random.Generator, x: float, z: float, sun: np.ndarray) -> None:
    """One or two traffic signs on a post: discs, triangles, squares, boards; sometimes seen from behind."""
    plate = plate_at(canvas, x, z)
    if plate is None:
        return
    post = canvas.surface("pole", (0, 0, 0), (x, 0, z), grain="plain")
    face = canvas.surface("traffic sign", (0, 0, 0), (x, 0, z), grain="smooth", glow=0.12)
    low = rng.uniform(1.9, 2.5)
    size = rng.uniform(0.36, 0.50)
    two = rng.uniform() < 0.35
    _post(plate, post, _metal(rng), low + 2 * size + (1.6 * size if two else 0), 0.05)
    if rng.uniform() < 0.2:
        # A board with a place name.
        board = np.array(((232, 208, 60), (36, 78, 150), (238, 238, 232), (40, 110, 70))[int(rng.integers(4))])
        wide = rng.uniform(0.8, 1.4)
        ink = np.array((20, 20, 22)) if board.sum() > 450 else np.array((240, 240, 238))
        plate.paint(face, rectangle(-wide, low, wide, low + 0.75), ink)
        plate.paint(face, rectangle(-wide + 0.04, low + 0.04, wide - 0.04, low + 0.71), board)
        for y in (0.16, 0.46):
            plate.paint(face, rectangle(-wide * 0.8, low + y, wide * rng.uniform(-0.2, 0.7), low + y + 0.13), ink)
    else:
        behind = rng.uniform() < 0.15
        _plaque(plate, face, rng, low + size, size, behind)
        if two:
            _plaque(plate, face, rng, low + 2.9 * size, size * 0.85, behind)
    ground_shadow(canvas, sun, Place(x, z), (-0.08, 0.08), (-0.08, 0.08), low + 1)


def _plaque(plate: Plate, face: int, rng: np.random.Generator, y: float, size: float, behind: bool) -> None:
    red, blue, white = np.array((196, 30, 36)), np.array((30, 84, 164)), np.array((240, 240, 236))
    yellow, black, grey = np.array((238, 196, 40)), np.array((26, 26, 28)), np.array((138, 140, 142))
    kind = int(rng.integers(7))
    triangle = np.array([(0, size), (0.92 * size, -0.62 * size), (-0.92 * size, -0.62 * size)])
    diamond = np.array([(0, size), (size, 0), (0, -size), (-size, 0)])
    square = np.array([(-0.82, -0.82), (0.82, -0.82), (0.82, 0.82), (-0.82, 0.82)]) * size
    eight = disc(0, 0, 1.0)[1::2] * size
    outline = (disc(0, 0, size), disc(0, 0, size), triangle, -triangle, diamond, square, eight)[kind]
    offset = (0.0, y)
    if behind:
        plate.paint(face, outline + offset, grey)
        plate.paint(face, rectangle(-0.06, y - 0.6 * size, 0.06, y + 0.6 * size), grey * 0.7)
        return
    rim = (red, blue, red, red, white, blue, red)[kind]
    plate.paint(face, outline + offset, rim)
    if kind in (0, 2, 3):
        plate.paint(face, outline * 0.70 + offset, white)
        plate.paint(face, rectangle(-0.16 * size, y - 0.34 * size, 0.16 * size, y + 0.34 * size), black)
    elif kind == 4:
        plate.paint(face, outline * 0.80 + offset, yellow)
    elif kind == 6:
        plate.paint(face, rectangle(-0.6 * size, y - 0.16 * size, 0.6 * size, y + 0.16 * size), white)
    else:
        plate.paint(face, rectangle(-0.14 * size, y - 0.5 * size, 0.14 * size, y + 0.3 * size), white)
        arrow = np.array([(-0.4, 0.2), (0.4, 0.2), (0.0, 0.62)]) * size
        plate.paint(face, arrow + offset, white)


def bollard_style(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Colour and height (metres) of a row of bollards."""
    return _metal(rng), rng.uniform(0.8, 1.05)


def draw_bollard(canvas: Canvas, style: tuple[np.ndarray, float], x: float, z: float, y: float) -> None:
    """One bollard of a row (:func:`bollard_style`) on a pavement of height ``y``."""
    plate = plate_at(canvas, x, z, y)
    if plate is not None:
        colour, height = style
        surface = canvas.surface("pole", (0, 0, 0), (x, 0, z), grain="plain")
        _post(plate, surface, colour, height, 0.075)
        plate.paint(surface, rectangle(-0.08, height - 0.22, 0.08, height - 0.1), np.array((210, 206, 198)))


def draw_bin(canvas: Canvas, rng: np.random.Generator, x: float, z: float, sun: np.ndarray) -> None:
    """A waste bin or a cabinet: class "static", which nobody is evaluated on."""
    wide, deep, tall = rng.uniform(0.5, 1.1), rng.uniform(0.4, 0.7), rng.uniform(0.9, 1.5)
    paint = np.array(((52, 92, 60), (64, 66, 70), (150, 116, 50), (124, 126, 122), (52, 76, 112))[int(rng.integers(5))])
    place = Place(x, z, rng.uniform(-0.2, 0.2))
    shape = box((-deep / 2, deep / 2), (0.0, tall), (-wide / 2, wide / 2), paint)
    lid = box((-deep / 2 - 0.04, deep / 2), (tall, tall + 0.1), (-wide / 2 - 0.04, wide / 2 + 0.04), paint * 0.7)
    if draw_solid(canvas, "static", shape + lid, place, 0):
        ground_shadow(canvas, sun, place, (-deep / 2, deep / 2), (-wide / 2, wide / 2), tall)
