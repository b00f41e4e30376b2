"""The plan of a street and its ground: carriageway, kerbs, pavements, verges, rails, markings."""

from dataclasses import dataclass

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas

KERB = 0.13
"""Height of the pavement over the road, metres."""

_FAR = 320.0
_ASPHALT = ((84, 84, 86), (104, 104, 106), (122, 120, 118), (74, 78, 86), (112, 106, 100), (134, 132, 130))
_PAVING = ((126, 124, 122), (146, 138, 130), (108, 106, 106), (150, 128, 116), (92, 94, 98), (160, 156, 150))
_EARTH = ((112, 120, 66), (94, 112, 58), (128, 118, 76), (118, 100, 74), (84, 102, 62), (146, 128, 90))


@dataclass(frozen=True)
class Street:
    """Where everything lies across the street: X in metres from the camera, left to right.

    Args:
        lane: Width of a lane.
        left: Left edge of the carriageway.
        right: Right edge of the carriageway.
        parking: Width of the parking strips inside the carriageway (left, right); 0 for none.
        rails: Left and right edge of a tram bed, or None.
        verge: Width of the planted strips along the kerbs (left, right); 0 for none.
        walk: Outer edges of the pavements (left, right): where plots begin.
        crossing: Z where a side street begins and ends, or None.
        zebra: Z where a pedestrian crossing begins, or None.
        end: Z where the street is closed.
    """

    lane: float
    left: float
    right: float
    parking: tuple[float, float]
    rails: tuple[float, float] | None
    verge: tuple[float, float]
    walk: tuple[float, float]
    crossing: tuple[float, float] | None
    zebra: float | None
    end: float

    def kerb(self, side: int) -> float:
        """X of the kerb on a side (-1 left, +1 right)."""
        if side > 0:
            return self.right
        return self.left if self.rails is None else min(self.left, self.rails[0])


def sample_street(rng: np.random.Generator) -> Street:
    """Draw the plan of a street."""
    lane = rng.uniform(3.0, 3.6)
    parking = tuple(2.1 if rng.uniform() < 0.45 else 0.0 for _ in range(2))
    ahead, oncoming = (1 if rng.uniform() < 0.7 else 2), (1 if rng.uniform() < 0.75 else 2)
    left = -lane * (oncoming + 0.5) + rng.uniform(-0.3, 0.3) - parking[0]
    right = lane * (ahead - 0.5) + rng.uniform(-0.2, 0.4) + parking[1]
    rails = (left - 3.4, left) if rng.uniform() < 0.5 else None
    verge = tuple(rng.uniform(1.2, 2.6) if rng.uniform() < 0.38 else 0.0 for _ in range(2))
    outer_left = (rails[0] if rails else left) - verge[0] - rng.uniform(1.9, 3.6)
    outer_right = right + verge[1] + rng.uniform(1.9, 3.6)
    start = rng.uniform(18, 42)
    crossing = (start, start + rng.uniform(6.5, 9.5)) if rng.uniform() < 0.45 else None
    zebra = None
    if rng.uniform() < 0.45:
        zebra = (start - 4.5) if crossing else rng.uniform(8, 22)
    return Street(
        lane, left, right, (parking[0], parking[1]), rails, (verge[0], verge[1]), (outer_left, outer_right), crossing,
        zebra, rng.uniform(75, 150),
    )  # fmt: skip


def _tone(rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    return np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.88, 1.12)


def _strip(x0: float, x1: float, z0: float, z1: float, y: float = 0.0) -> np.ndarray:
    """A level rectangle, world corners, shape (4, 3)."""
    return np.array([(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)])


def draw_ground(canvas: Canvas, rng: np.random.Generator, street: Street) -> None:
    """Paint the whole ground, from the open land down to the road markings."""
    paving = _tone(rng, _PAVING)
    base = canvas.surface("ground", (0, 1, 0), (0, 0, 0), grain="slabs")
    canvas.face(base, _strip(-200, 200, 0.2, 900), paving * 0.95)
    paved = ("slabs", "cobbles", "asphalt")[int(rng.choice(3, p=(0.6, 0.2, 0.2)))]
    asphalt = _tone(rng, _ASPHALT)
    cobbled = rng.uniform() < 0.1
    walk = canvas.surface("sidewalk", (0, 1, 0), (0, KERB, 0), grain=paved)
    for side, outer, verge in ((-1, street.walk[0], street.verge[0]), (1, street.walk[1], street.verge[1])):
        kerb = street.kerb(side)
        face = canvas.surface("sidewalk", (-side, 0, 0), (kerb, 0, 0), grain="plain")
        canvas.face(walk, _strip(kerb, outer, 0.2, _FAR, KERB), paving)
        if verge:
            earth = _tone(rng, _EARTH)
            green = canvas.surface("terrain", (0, 1, 0), (0, KERB, 0), grain="grass")
            canvas.face(green, _strip(kerb + side * 0.2, kerb + side * verge, 0.2, street.end, KERB), earth)
        stone = np.clip(paving * 1.18, 0, 235)
        canvas.face(walk, _strip(kerb, kerb + side * 0.18, 0.2, _FAR, KERB), stone)
        edge = np.array([(kerb, 0, 0.2), (kerb, 0, _FAR), (kerb, KERB, _FAR), (kerb, KERB, 0.2)])
        canvas.face(face, edge, stone * 0.8)
    road = canvas.surface("road", (0, 1, 0), (0, 0, 0), grain="cobbles" if cobbled else "asphalt")
    canvas.face(road, _strip(street.left, street.right, 0.2, _FAR), asphalt)
    if street.rails:
        _rails(canvas, rng, street.rails, asphalt)
    if street.crossing:
        z0, z1 = street.crossing
        canvas.face(road, _strip(-90, 90, z0, z1), asphalt)
    _parking(canvas, rng, street, asphalt)
    _wear(canvas, rng, street, asphalt)
    if not cobbled:
        _markings(canvas, rng, street)


def _rails(canvas: Canvas, rng: np.random.Generator, rails: tuple[float, float], asphalt: np.ndarray) -> None:
    """A tram bed with two rails: class "rail track"."""
    grassy = rng.uniform() < 0.35
    bed = _tone(rng, _EARTH) if grassy else asphalt * rng.uniform(0.85, 1.1)
    surface = canvas.surface("rail track", (0, 1, 0), (0, 0.02, 0), grain="grass" if grassy else "cobbles")
    canvas.face(surface, _strip(*rails, 0.2, _FAR, 0.02), bed)
    middle = (rails[0] + rails[1]) / 2
    for offset in (-0.72, 0.72):
        for shift, tone in ((0.0, (58, 56, 54)), (0.05, (176, 178, 180))):
            x = middle + offset + shift
            strip = canvas.project(_strip(x - 0.05, x + 0.05, 0.2, 120, 0.03))
            if strip is not None:
                canvas.tint(strip[None], tone)


def _parking(canvas: Canvas, rng: np.random.Generator, street: Street, asphalt: np.ndarray) -> None:
    """Parking strips: half of them paved differently (class "parking"), the others part of the road."""
    for side, wide in ((-1, street.parking[0]), (1, street.parking[1])):
        if not wide or rng.uniform() < 0.5:
            continue
        edge = street.left if side < 0 else street.right
        surface = canvas.surface("parking", (0, 1, 0), (0, 0, 0), grain="cobbles")
        for z0, z1 in _outside_crossing(street, 0.2, _FAR):
            canvas.face(surface, _strip(edge, edge - side * wide, z0, z1), asphalt * rng.uniform(0.9, 1.2))


def _outside_crossing(street: Street, start: float, end: float) -> list[tuple[float, float]]:
    if street.crossing is None:
        return [(start, end)]
    z0, z1 = street.crossing
    return [span for span in ((start, z0), (z1, end)) if span[1] > span[0]]


def _wear(canvas: Canvas, rng: np.random.Generator, street: Street, asphalt: np.ndarray) -> None:
    """Tyre tracks, patches, manholes: a road is not of one colour."""
    for lane in range(-2, 2):
        for offset in (-0.75, 0.75):
            x = lane * street.lane + offset
            if street.left + 0.4 < x < street.right - 0.4:
                strip = canvas.project(_strip(x - 0.28, x + 0.28, 0.2, 160))
                if strip is not None:
                    canvas.tint(strip[None], asphalt * 0.93)
    for _ in range(int(rng.integers(0, 5))):
        x, z = rng.uniform(street.left, street.right), rng.uniform(4, 40)
        patch = canvas.project(_strip(x, min(x + rng.uniform(0.6, 2.5), street.right), z, z + rng.uniform(1, 8)))
        if patch is not None:
            canvas.tint(patch[None], asphalt * rng.uniform(0.72, 1.18))
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for _ in range(int(rng.integers(0, 3))):
        x, z = rng.uniform(street.left + 0.5, street.right - 0.5), rng.uniform(4, 25)
        for radius, tone in ((0.36, 0.5), (0.28, 0.72)):
            ring = np.stack([x + radius * np.cos(turn), np.zeros(14), z + radius * np.sin(turn)], axis=1)
            lid = canvas.project(ring)
            if lid is not None:
                canvas.tint(lid[None], asphalt * tone)


def _markings(canvas: Canvas, rng: np.random.Generator, street: Street) -> None:
    """Lane lines, edge lines, zebra and stop line, worn to a random degree."""
    paint = np.array((216, 216, 210)) * rng.uniform(0.75, 1.05)
    boxes: list[tuple] = []
    dash, gap = (3.0, 4.5) if rng.uniform() < 0.6 else (4.0, 2.5)
    phase = rng.uniform(0, dash + gap)
    inner_left, inner_right = street.left + street.parking[0], street.right - street.parking[1]
    limit = (street.crossing[0] - 5) if street.crossing else 110.0
    if street.zebra:
        limit = min(limit, street.zebra - 1.4)
    for k in range(-3, 3):
        x = (k + 0.5) * street.lane
        if inner_left + 1.2 < x < inner_right - 1.2:
            solid = k == -1 and rng.uniform() < 0.3
            step = 2.0 if solid else dash + gap
            for z in np.arange(1.2 + (0 if solid else phase), limit, step):
                boxes.append((x - 0.07, z, x + 0.07, min(z + (2.0 if solid else dash), limit)))
    for x in (inner_left + 0.15, inner_right - 0.15):
        if rng.uniform() < 0.5:
            boxes += [(x - 0.06, z, x + 0.06, min(z + 3.0, limit)) for z in np.arange(1.0, limit, 3.0)]
    if street.zebra:
        boxes += [
            (x, street.zebra, x + 0.5, street.zebra + 3.2)
            for x in np.arange(street.left + 0.3, street.right - 0.5, 1.05)
        ]
        boxes.append((-street.lane / 2 + 0.2, street.zebra - 1.4, inner_right - 0.2, street.zebra - 1.0))
    if boxes:
        flat = np.array(boxes)
        corners = np.zeros((len(flat), 4, 3))
        corners[..., 0] = flat[:, [0, 2, 2, 0]]
        corners[..., 2] = flat[:, [1, 1, 3, 3]]
        canvas.tint(canvas.faces(corners), paint)
