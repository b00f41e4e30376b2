"""Houses: a front along the street, an end towards the camera, a roof, windows, doors, shops."""

from dataclasses import dataclass

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.shapes import box_grid

PLASTER = (
    (206, 190, 160), (196, 160, 118), (178, 172, 164), (214, 204, 188), (164, 112, 92), (150, 160, 168),
    (200, 176, 140), (132, 140, 126), (186, 134, 110), (110, 116, 126), (222, 214, 206), (142, 96, 82),
)  # fmt: skip
BRICK = ((140, 78, 62), (122, 70, 58), (160, 104, 80), (98, 70, 64), (150, 124, 102))
CONCRETE = ((146, 146, 142), (120, 124, 128), (166, 162, 154), (96, 102, 110), (128, 134, 150))
ROOF = ((116, 62, 50), (92, 60, 54), (78, 80, 84), (98, 92, 88), (134, 84, 62))
SIGN = ((180, 40, 44), (34, 74, 140), (40, 116, 72), (206, 160, 40), (230, 228, 220), (50, 50, 54), (140, 60, 120))

_EAVES = 0.35
"""How far a roof reaches over the wall, metres."""


@dataclass(frozen=True)
class House:
    """A house whose front stands at X = ``x`` from Z = ``start`` to ``end``, all metres.

    ``outward`` is +1 for the right side of the street and -1 for the left; the house lies from ``x`` outwards.
    """

    x: float
    start: float
    end: float
    height: float
    outward: int
    depth: float = 9.0


def draw_house(canvas: Canvas, rng: np.random.Generator, house: House, dark: float) -> None:
    """Paint a house in one of four styles; ``dark`` (0 to 1) is the share of lit windows after sunset."""
    style = ("plaster", "brick", "concrete", "glass")[int(rng.choice(4, p=(0.46, 0.22, 0.2, 0.12)))]
    colours = {"plaster": PLASTER, "brick": BRICK, "concrete": CONCRETE, "glass": CONCRETE}[style]
    colour = np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.85, 1.12)
    grain = {"plaster": "plaster", "brick": "brick", "concrete": "plaster", "glass": "smooth"}[style]
    x, out = house.x, house.outward
    near = canvas.surface("building", (0, 0, -1), (x, 0, house.start), grain=grain)
    front = canvas.surface("building", (-out, 0, 0), (x, 0, house.start), grain=grain)
    back = x + out * house.depth
    pitched = style in ("plaster", "brick") and rng.uniform() < 0.65
    if pitched:
        _roof(canvas, rng, house, colour, near)
    end_face = np.array(
        [(x, 0, house.start), (back, 0, house.start), (back, house.height, house.start), (x, house.height, house.start)]
    )
    canvas.face(near, end_face, colour * rng.uniform(0.9, 1.05))
    storey = rng.uniform(2.8, 3.6)
    ends = np.array(
        [(2 + 3.4 * i, s * storey + 1.2, 3.1 + 3.4 * i, s * storey + 2.6) for i in range(2) for s in range(9)]
    )
    ends = ends[(ends[:, 3] < house.height - 0.6) & (rng.uniform(size=len(ends)) < 0.5)]
    canvas.fill_many(near, canvas.faces(box_grid((x, 0, house.start), (out, 0, 0), ends)), _glass(rng))
    side = np.array(
        [(x, 0, house.start), (x, 0, house.end), (x, house.height, house.end), (x, house.height, house.start)]
    )
    canvas.face(front, side, colour)
    if style == "glass":
        _glass_front(canvas, rng, house, front, colour)
    else:
        _windows(canvas, rng, house, front, colour, storey, dark)
    _ground_floor(canvas, rng, house, front, colour, dark)
    if pitched:
        # The underside of the eaves closes the gap between wall and roof.
        eaves = x - out * _EAVES
        under = canvas.surface("building", (0, -1, 0), (x, house.height, house.start), grain="smooth")
        low, high = house.height - 0.1, house.height
        soffit = [(x, high, house.start), (x, high, house.end), (eaves, low, house.end), (eaves, low, house.start)]
        canvas.face(under, np.array(soffit), colour * 0.6)
    else:
        trim = np.array([(-0.1, house.height - 0.45, house.end - house.start, house.height)])
        origin = (x - out * 0.12, 0.0, house.start)
        canvas.fill_many(front, canvas.faces(box_grid(origin, (0, 0, 1), trim)), colour * 0.72)


def _boxes(corners: np.ndarray, wide: float, tall: float) -> np.ndarray:
    """Boxes (s0, y0, s1, y1) of one size from their lower left corners, shape (N, 2)."""
    return np.concatenate([corners, corners + np.array((wide, tall))], axis=1)


def _glass(rng: np.random.Generator) -> np.ndarray:
    """Colour of a window pane: dark room or mirrored sky."""
    room, sky = np.array((40, 46, 54)), np.array((128, 150, 172))
    share = rng.uniform(0, 0.8)
    return room * (1 - share) + sky * share


def _roof(canvas: Canvas, rng: np.random.Generator, house: House, colour: np.ndarray, near: int) -> None:
    """A pitched roof whose ridge runs along the street, with its gable."""
    tile = np.array(ROOF[int(rng.integers(len(ROOF)))]) * rng.uniform(0.85, 1.15)
    ridge_x = house.x + house.outward * house.depth / 2
    ridge_y = house.height + rng.uniform(0.35, 0.6) * house.depth
    eaves = house.x - house.outward * _EAVES
    slope = np.array(
        [
            (eaves, house.height - 0.1, house.start),
            (eaves, house.height - 0.1, house.end),
            (ridge_x, ridge_y, house.end),
            (ridge_x, ridge_y, house.start),
        ]
    )
    rise, run = ridge_y - house.height, abs(ridge_x - eaves)
    normal = np.array([-house.outward * rise, run, 0.0])
    # From close by, the camera stands below the plane of the slope and does not see it.
    if normal @ (canvas.camera.position - slope[0]) > 0:
        canvas.face(canvas.surface("building", normal, slope[0], grain="slabs"), slope, tile)
    back = house.x + house.outward * house.depth
    # The gable reaches to the eaves: its edge board hides the underside of the overhanging tiles.
    gable = np.array([(eaves, house.height - 0.1), (back, house.height), (ridge_x, ridge_y)])
    gable = np.column_stack([gable, np.full(3, house.start)])
    canvas.face(near, gable, colour * 0.95)


def _windows(
    canvas: Canvas,
    rng: np.random.Generator,
    house: House,
    front: int,
    colour: np.ndarray,
    storey: float,
    dark: float,
) -> None:
    """Rows of windows with frames and sills."""
    length = house.end - house.start
    pitch = rng.uniform(2.0, 3.4)
    wide, tall = rng.uniform(0.42, 0.62) * pitch, rng.uniform(0.48, 0.62) * storey
    columns = max(int(length / pitch), 1)
    margin = (length - columns * pitch) / 2 + (pitch - wide) / 2
    floors = int((house.height - 0.4) / storey)
    s = margin + pitch * np.arange(columns)
    y = storey * np.arange(1, floors) + 0.28 * storey
    grid = np.stack(np.meshgrid(s, y), axis=-1).reshape(-1, 2)
    if not len(grid):
        return
    boxes = _boxes(grid, wide, tall)
    origin = (house.x, 0.0, house.start)
    frame = np.clip(colour * (1.35 if rng.uniform() < 0.6 else 0.6), 0, 245)
    canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), boxes + np.array((-0.11, -0.16, 0.11, 0.11)))), frame)
    lot = rng.uniform(size=len(boxes))
    lit_share = 0.45 * dark
    lamp = canvas.surface("building", (-house.outward, 0, 0), origin, grain="smooth", glow=0.85)
    for low, high in ((lit_share, 0.4), (0.4, 0.7), (0.7, 1.0)):
        chosen = boxes[(lot >= low) & (lot < high)]
        canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), chosen)), _glass(rng))
    if lit_share > 0.02:
        chosen = boxes[lot < lit_share]
        canvas.fill_many(lamp, canvas.faces(box_grid(origin, (0, 0, 1), chosen)), (236, 188, 112))
    # The cross of the sash; too thin to matter far away, and then `faces` drops it.
    middle = (boxes[:, 0] + boxes[:, 2]) / 2
    bars = np.stack([middle - 0.04, boxes[:, 1], middle + 0.04, boxes[:, 3]], axis=1)
    canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), bars)), frame)
    if rng.uniform() < 0.35:
        balcony = boxes[rng.uniform(size=len(boxes)) < 0.5]
        rail = np.stack([balcony[:, 0] - 0.3, balcony[:, 1] - 0.2, balcony[:, 2] + 0.3, balcony[:, 1] + 0.75], axis=1)
        out = (house.x - house.outward * 0.5, 0.0, house.start)
        canvas.fill_many(front, canvas.faces(box_grid(out, (0, 0, 1), rail)), colour * rng.uniform(0.45, 0.75))


def _glass_front(canvas: Canvas, rng: np.random.Generator, house: House, front: int, colour: np.ndarray) -> None:
    """A curtain wall: bands of mirrored panes."""
    length = house.end - house.start
    pitch, storey = rng.uniform(1.6, 3.0), rng.uniform(3.0, 3.8)
    s = np.arange(0.2, length - pitch, pitch)
    y = np.arange(storey, house.height - storey * 0.6, storey)
    grid = np.stack(np.meshgrid(s, y), axis=-1).reshape(-1, 2)
    boxes = _boxes(grid, pitch * 0.92, storey * rng.uniform(0.6, 0.92))
    lot = rng.uniform(size=len(boxes))
    for low, high in ((0, 0.35), (0.35, 0.7), (0.7, 1.0)):
        chosen = boxes[(lot >= low) & (lot < high)]
        pane = _glass(rng) * (0.8, 0.95, 1.1)
        canvas.tint(canvas.faces(box_grid((house.x, 0, house.start), (0, 0, 1), chosen)), pane)


def _ground_floor(
    canvas: Canvas, rng: np.random.Generator, house: House, front: int, colour: np.ndarray, dark: float
) -> None:
    """Shops with signs and awnings, or doors and a plinth."""
    length = house.end - house.start
    origin = (house.x, 0.0, house.start)
    plinth = np.array([(0, 0, length, 0.6)])
    canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), _cut(plinth, 4))), colour * 0.6)
    if rng.uniform() < 0.45 and length > 5:
        shop = canvas.surface("building", (-house.outward, 0, 0), origin, grain="smooth", glow=0.25 + 0.5 * dark)
        pitch = rng.uniform(3.2, 5.0)
        starts = np.arange(0.4, length - pitch + 0.4, pitch)
        panes = np.stack([starts, np.full_like(starts, 0.5), starts + pitch - 0.5, np.full_like(starts, 2.5)], axis=1)
        for pane in panes:
            glass = np.array((92, 84, 74)) * rng.uniform(0.5, 1.5)
            canvas.fill_many(shop, canvas.faces(box_grid(origin, (0, 0, 1), pane[None])), glass)
            board = np.array([(pane[0], 2.6, pane[2], 3.15)])
            sign = SIGN[int(rng.integers(len(SIGN)))]
            canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), board)), sign)
            if rng.uniform() < 0.4:
                _awning(canvas, house, pane, SIGN[int(rng.integers(len(SIGN)))])
    else:
        starts = np.arange(rng.uniform(0.5, 2.5), length - 1.5, rng.uniform(4, 7))
        doors = np.stack([starts, np.zeros_like(starts), starts + 1.15, np.full_like(starts, 2.2)], axis=1)
        canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), doors)), np.array((88, 62, 44)) * rng.uniform(0.6, 1.5))
        low = np.stack([starts + 1.7, np.full_like(starts, 0.95), starts + 3.0, np.full_like(starts, 2.2)], axis=1)
        low = low[low[:, 2] < length - 0.3]
        canvas.tint(canvas.faces(box_grid(origin, (0, 0, 1), low)), _glass(rng))


def _cut(boxes: np.ndarray, parts: int) -> np.ndarray:
    """Cut long boxes into parts along the street, so that one near the camera does not take all with it."""
    edges = np.linspace(boxes[:, 0], boxes[:, 2], parts + 1)
    pieces = [np.stack([edges[i], boxes[:, 1], edges[i + 1], boxes[:, 3]], axis=1) for i in range(parts)]
    return np.concatenate(pieces)


def _awning(canvas: Canvas, house: House, pane: np.ndarray, colour: tuple[int, int, int]) -> None:
    """A striped awning over a shop window."""
    reach = house.x - house.outward * 1.2
    z0, z1 = house.start + pane[0], house.start + pane[2]
    stripes = 6
    edges = np.linspace(z0, z1, stripes + 1)
    surface = canvas.surface("building", (-house.outward * 0.5, 1, 0), (house.x, 2.9, z0), grain="cloth")
    for i in range(stripes):
        a, b = edges[i], edges[i + 1]
        paint = np.array(colour) if i % 2 else np.array((226, 222, 212))
        canvas.face(surface, np.array([(house.x, 2.9, a), (house.x, 2.9, b), (reach, 2.3, b), (reach, 2.3, a)]), paint)


def close_street(canvas: Canvas, rng: np.random.Generator, z: float, x_left: float, x_right: float) -> None:
    """Houses across the far end of the street, facing the camera."""
    x = x_left
    while x < x_right:
        wide, height = rng.uniform(8, 18), rng.uniform(7, 18)
        colours = (PLASTER, BRICK, CONCRETE)[int(rng.integers(3))]
        colour = np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.85, 1.1)
        surface = canvas.surface("building", (0, 0, -1), (x, 0, z), grain="plaster")
        canvas.face(surface, np.array([(x, 0, z), (x + wide, 0, z), (x + wide, height, z), (x, height, z)]), colour)
        s, y = np.arange(0.9, wide - 1.2, 2.6), np.arange(1.0, height - 2, 3.1)
        grid = np.stack(np.meshgrid(s, y), axis=-1).reshape(-1, 2)
        boxes = _boxes(grid, 1.3, 1.6)
        canvas.tint(canvas.faces(box_grid((x, 0, z), (1, 0, 0), boxes)), _glass(rng))
        x += wide
