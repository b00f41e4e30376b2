"""Vehicles: a queue in every lane, parked rows, a tram on its rails, a car in the side street."""

import numpy as np

from mmfan.datasets.miniature.render.solids import Face, Place
from mmfan.datasets.miniature.street.cast import Cast
from mmfan.datasets.miniature.things.tram import draw_tram, tram_faces
from mmfan.datasets.miniature.things.vehicles import PAINTERS, draw_vehicle


def add_vehicles(cast: Cast) -> float:
    """Queue all vehicles; returns how far the camera's own lane is empty, metres."""
    rng, street = cast.rng, cast.street
    lanes = [(0.0, 0.0)]
    if street.right - street.parking[1] > 1.2 * street.lane:
        lanes.append((street.lane, 0.0))
    oncoming = -street.lane
    while oncoming - street.lane / 2 > street.left + street.parking[0] - 0.6:
        lanes.append((oncoming, np.pi))
        oncoming -= street.lane
    wanted = [kind for kind in ("truck", "bus") if rng.uniform() < 0.48]
    rng.shuffle(wanted)
    first_of = {int(lane): kind for lane, kind in zip(rng.permutation(len(lanes)), wanted, strict=False)}
    free = 60.0
    for number, (x, heading) in enumerate(lanes):
        z = rng.uniform(10, 24) if x == 0.0 else rng.uniform(6.5, 18.0)
        if number not in first_of and rng.uniform() < 0.35:
            z += rng.uniform(8, 25)
        if x == 0.0:
            free = z
        for position in range(int(rng.integers(1, 4))):
            kind = "car" if rng.uniform() < 0.94 else ("truck", "bus")[int(rng.integers(2))]
            if position == 0:
                kind = first_of.get(number, kind)
            z = _add(cast, kind, x + rng.uniform(-0.25, 0.25), z, heading) + rng.uniform(5, 16)
            if z > 75:
                break
    for side, wide in ((-1, street.parking[0]), (1, street.parking[1])):
        if wide:
            edge = street.left if side < 0 else street.right
            _add_parked(cast, edge - side * wide / 2, np.pi if side < 0 else 0.0)
    _add_tram(cast)
    _add_crossing_car(cast)
    return free


def _place(cast: Cast, kind: str, faces: list[Face], size: tuple[float, float, float], place: Place) -> None:
    """Queue a vehicle at a place and take its ground."""
    half_z = abs(np.cos(place.heading)) * size[0] / 2 + abs(np.sin(place.heading)) * size[1] / 2
    half_x = abs(np.sin(place.heading)) * size[0] / 2 + abs(np.cos(place.heading)) * size[1] / 2
    box = (place.x - half_x, place.x + half_x, place.z - half_z, place.z + half_z)
    cast.taken.append(box)
    if kind == "train":
        cast.add(box, draw_tram, cast.canvas, faces, size, place, cast.light.sun)
    else:
        cast.add(box, draw_vehicle, cast.canvas, kind, faces, size, place, cast.light.sun)


def _add(cast: Cast, kind: str, x: float, near: float, heading: float) -> float:
    """Queue one vehicle whose near end is at Z = ``near``; returns its far end."""
    faces, size = PAINTERS[kind](cast.rng, cast.light.dark)
    _place(cast, kind, faces, size, Place(x, near + size[0] / 2, heading + cast.rng.normal(0, 0.02)))
    return near + size[0]


def _add_parked(cast: Cast, x: float, heading: float) -> None:
    """A row of parked cars with gaps, none in the side street or on the zebra."""
    rng, street = cast.rng, cast.street
    z = rng.uniform(2.5, 8)
    while z < 60:
        blocked = street.crossing is not None and street.crossing[0] - 7 < z < street.crossing[1] + 2
        zebra = street.zebra is not None and street.zebra - 6 < z < street.zebra + 4
        if blocked or zebra or rng.uniform() < 0.28:
            z += 5.5
            continue
        kind = "truck" if rng.uniform() < 0.03 else "car"
        z = _add(cast, kind, x, z, heading if rng.uniform() < 0.9 else heading + np.pi) + rng.uniform(0.7, 1.6)


def _add_tram(cast: Cast) -> None:
    rails = cast.street.rails
    if rails and cast.rng.uniform() < 0.95:
        faces, size = tram_faces(cast.rng, cast.light.dark)
        near = cast.rng.uniform(6, 20)
        heading = np.pi if cast.rng.uniform() < 0.6 else 0.0
        _place(cast, "train", faces, size, Place((rails[0] + rails[1]) / 2, near + size[0] / 2, heading))


def _add_crossing_car(cast: Cast) -> None:
    """Now and then a car comes out of the side street, if nothing is in its way."""
    rng, street = cast.rng, cast.street
    if street.crossing and rng.uniform() < 0.5:
        x, z = rng.uniform(-5, 7), float(np.mean(street.crossing))
        if cast.is_free((x - 2.4, x + 2.4, z - 1, z + 1)):
            faces, size = PAINTERS["car"](rng, cast.light.dark)
            _place(cast, "car", faces, size, Place(x, z, np.pi / 2 if rng.uniform() < 0.5 else -np.pi / 2))
