"""Who is on the street: what stands and moves where, as (distance, painter) items to be painted from far to near."""

from collections.abc import Callable

import numpy as np

from .canvas import Canvas
from .cycles import draw_cycle
from .furniture import bollard_style, draw_bin, draw_bollard, draw_lamp_post, draw_sign, draw_traffic_light
from .light import Light
from .people import draw_person
from .plants import draw_tree, leaf_colour, tree_shadow
from .solids import Place
from .street import KERB, Street
from .tram import draw_tram, tram_faces
from .vehicles import PAINTERS, draw_vehicle

Item = tuple[float, Callable[[], object]]
"""Distance of an object's near end, metres, and what paints it."""


def vehicles(canvas: Canvas, rng: np.random.Generator, street: Street, light: Light) -> tuple[list[Item], float]:
    """Moving and parked vehicles. Returns the items and the near end of the first one in the camera's lane, metres."""
    items: list[Item] = []
    lanes = [(0.0, 0.0)]
    if street.right - street.parking[1] > 1.2 * street.lane:
        lanes.append((street.lane, 0.0))
    oncoming = -street.lane
    while oncoming - street.lane / 2 > street.left + street.parking[0] - 0.6:
        lanes.append((oncoming, np.pi))
        oncoming -= street.lane
    wanted = [kind for kind, share in (("truck", 0.5), ("bus", 0.5)) if rng.uniform() < share]
    rng.shuffle(wanted)
    order = rng.permutation(len(lanes))
    first_of = {int(lane): kind for lane, kind in zip(order, wanted, strict=False)}
    free = 60.0
    for number, (x, heading) in enumerate(lanes):
        kind = first_of.get(number)
        ahead = x == 0.0
        z = rng.uniform(10, 24) if ahead else rng.uniform(5.0, 16.0)
        if kind is None and rng.uniform() < 0.25:
            z += rng.uniform(10, 25)
        if ahead:
            free = z
        for position in range(int(rng.integers(1, 4))):
            chosen = (
                kind
                if position == 0 and kind
                else ("car" if rng.uniform() < 0.88 else ("truck", "bus")[int(rng.integers(2))])
            )
            z = _add_vehicle(canvas, rng, items, chosen, x + rng.uniform(-0.25, 0.25), z, heading, light) + rng.uniform(
                5, 16
            )
            if z > 75:
                break
    for side, wide in ((-1, street.parking[0]), (1, street.parking[1])):
        if wide:
            edge = street.left if side < 0 else street.right
            _parked(canvas, rng, items, edge - side * wide / 2, np.pi if side < 0 else 0.0, street, light)
    if street.rails:
        faces, size = tram_faces(rng, light.dark)
        near = rng.uniform(5, 22)
        place = Place(
            (street.rails[0] + street.rails[1]) / 2, near + size[0] / 2, np.pi if rng.uniform() < 0.6 else 0.0
        )
        items.append((near, lambda: draw_tram(canvas, faces, size, place, light.sun)))
    if street.crossing and rng.uniform() < 0.4:
        place_z = float(np.mean(street.crossing))
        x, heading = rng.uniform(-6, 6), np.pi / 2 * (1 if rng.uniform() < 0.5 else -1)
        if free > place_z + 3:
            faces, size = PAINTERS["car"](rng, light.dark)
            crossing = Place(x, place_z, heading)
            items.append((place_z - 1, lambda: draw_vehicle(canvas, "car", faces, size, crossing, light.sun)))
    return items, free


def _add_vehicle(
    canvas: Canvas,
    rng: np.random.Generator,
    items: list[Item],
    kind: str,
    x: float,
    near: float,
    heading: float,
    light: Light,
) -> float:
    """Queue one vehicle whose near end is at Z = ``near``; returns its far end."""
    faces, size = PAINTERS[kind](rng, light.dark)
    place = Place(x, near + size[0] / 2, heading + rng.normal(0, 0.03))
    items.append((near, lambda: draw_vehicle(canvas, kind, faces, size, place, light.sun)))
    return near + size[0]


def _parked(
    canvas: Canvas, rng: np.random.Generator, items: list[Item], x: float, heading: float, street: Street, light: Light
) -> None:
    """A row of parked cars with gaps, none in the side street."""
    z = rng.uniform(2.5, 8)
    while z < 60:
        blocked = street.crossing is not None and street.crossing[0] - 7 < z < street.crossing[1] + 2
        zebra = street.zebra is not None and street.zebra - 6 < z < street.zebra + 4
        if blocked or zebra or rng.uniform() < 0.25:
            z += 5.5
            continue
        kind = "truck" if rng.uniform() < 0.04 else "car"
        turned = heading if rng.uniform() < 0.9 else heading + np.pi
        z = _add_vehicle(canvas, rng, items, kind, x, z, turned, light) + rng.uniform(0.7, 1.6)


def pavement(canvas: Canvas, rng: np.random.Generator, street: Street, light: Light, autumn: float) -> list[Item]:
    """Lamp posts, trees, lights, signs, bins and bollards on both pavements."""
    items: list[Item] = []

    def add(z: float, paint: Callable[[], object]) -> None:
        in_side_street = street.crossing is not None and street.crossing[0] - 0.5 < z < street.crossing[1] + 0.5
        if not in_side_street:
            items.append((z, paint))

    for side in (-1, 1):
        kerb = street.kerb(side)
        line = kerb + side * rng.uniform(0.45, 0.7)
        if rng.uniform() < 0.75:
            for z in np.arange(rng.uniform(6, 18), 90, rng.uniform(18, 28)):
                add(z, lambda x=line, z=float(z): draw_lamp_post(canvas, rng, x, z, light.sun, light.dark))
        if rng.uniform() < 0.5:
            colour, tall = leaf_colour(rng, autumn), rng.uniform(4.0, 8.0)
            tree_x = line + side * (0.3 if not street.verge[(side + 1) // 2] else 0.6)
            for z in np.arange(rng.uniform(8, 16), 85, rng.uniform(7, 13)):
                size = tall * rng.uniform(0.85, 1.15)
                tree_shadow(canvas, light.sun, tree_x, float(z), size)
                add(z, lambda x=tree_x, z=float(z), s=size, c=colour: draw_tree(canvas, rng, x, z, s, c))
        stop = street.zebra - 1.5 if street.zebra else rng.uniform(8, 20)
        if rng.uniform() < (0.75 if street.zebra or street.crossing else 0.35):
            add(stop, lambda x=line, z=stop: draw_traffic_light(canvas, rng, x, z, light.sun))
        for _ in range(int(rng.integers(0, 3))):
            z, x = rng.uniform(6.5, 22), line + side * rng.uniform(0, 0.5)
            add(z, lambda x=x, z=z: draw_sign(canvas, rng, x, z, light.sun))
        if rng.uniform() < 0.22:
            style = bollard_style(rng)
            for z in np.arange(rng.uniform(4, 8), 26, rng.uniform(1.8, 2.8)):
                add(z, lambda x=kerb + side * 0.4, z=float(z), style=style: draw_bollard(canvas, style, x, z, KERB))
        if rng.uniform() < 0.35:
            z, x = rng.uniform(6, 25), street.walk[(side + 1) // 2] - side * 0.6
            add(z, lambda x=x, z=z: draw_bin(canvas, rng, x, z, light.sun))
    return items


def people(canvas: Canvas, rng: np.random.Generator, street: Street, light: Light, free: float) -> list[Item]:
    """Pedestrians and two-wheelers; ``free`` is how far the camera's lane is empty, metres."""
    items: list[Item] = []

    def walker(x: float, z: float, y: float) -> None:
        items.append((z, lambda: draw_person(canvas, rng, x, z, light.sun, y)))

    def cycle(kind: str, x: float, z: float, ridden: bool, sideways: bool, y: float = 0.0) -> None:
        items.append((z, lambda: draw_cycle(canvas, rng, kind, x, z, light.sun, ridden, sideways, y)))

    def on_walk(side: int) -> float:
        outer = street.walk[(side + 1) // 2]
        inner = street.kerb(side) + side * (street.verge[(side + 1) // 2] + 0.4)
        return inner + (outer - side * 0.4 - inner) * rng.uniform()

    for _ in range(int(rng.integers(1, 7))):
        side = 1 if rng.uniform() < 0.55 else -1
        x, z = on_walk(side), 5.5 + 28 * rng.uniform() ** 1.6
        walker(x, z, KERB)
        if rng.uniform() < 0.35:
            walker(x + rng.uniform(0.5, 0.75), z + rng.uniform(-0.2, 0.3), KERB)
    reach = min(free - 2.5, 20.0)
    crossing_at = reach if street.zebra is None else min(street.zebra + 1.6, reach)
    if crossing_at > 6 and rng.uniform() < (0.6 if street.zebra else 0.25):
        for _ in range(int(rng.integers(1, 4))):
            walker(rng.uniform(street.left + 0.5, street.right - 0.5), crossing_at + rng.uniform(-1.0, 1.0), 0.0)
    edge = street.right - street.parking[1]
    if rng.uniform() < 0.48:
        sideways = crossing_at > 6 and rng.uniform() < 0.55
        x = rng.uniform(-3.5, 3.5) if sideways else edge - rng.uniform(0.3, 0.8)
        z = rng.uniform(6, min(crossing_at, 14)) if sideways else rng.uniform(6, 13)
        cycle("bicycle", x, z, True, sideways)
    if rng.uniform() < 0.45:
        ridden, sideways = rng.uniform() < 0.65, rng.uniform() < 0.55
        if ridden and not sideways:
            x, z = (
                (rng.uniform(-0.6, 0.9), rng.uniform(6.5, max(free - 2, 7.5)))
                if rng.uniform() < 0.5
                else (-street.lane * 0.85, rng.uniform(6, 12))
            )
            cycle("motorcycle", x, z, True, False)
        elif ridden:
            cycle("motorcycle", rng.uniform(-3.5, 3.0), rng.uniform(6, max(min(free - 2, 13), 7.0)), True, True)
        else:
            side = 1 if rng.uniform() < 0.6 else -1
            for k in range(int(rng.integers(1, 3))):
                cycle(
                    "motorcycle",
                    street.kerb(side) + side * 1.1 + k * 0.2,
                    rng.uniform(6, 11) + 1.6 * k,
                    False,
                    sideways,
                    KERB,
                )
    if rng.uniform() < 0.42:
        side = 1 if rng.uniform() < 0.6 else -1
        z, x = rng.uniform(6, 13), on_walk(side)
        for k in range(int(rng.integers(1, 5))):
            cycle("bicycle", x + rng.uniform(-0.2, 0.2), z + 0.65 * k, False, rng.uniform() < 0.85, KERB)
    return items
