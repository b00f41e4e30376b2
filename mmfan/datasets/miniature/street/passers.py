"""People on foot and two-wheelers: on the pavements, on the zebra, in the lanes, parked."""

from collections.abc import Callable

from mmfan.datasets.miniature.street.cast import Box, Cast, around
from mmfan.datasets.miniature.street.street import KERB
from mmfan.datasets.miniature.things.cycles import draw_cycle
from mmfan.datasets.miniature.things.people import draw_person

_TRIES = 12


def add_passers(cast: Cast, free: float) -> None:
    """Queue pedestrians and two-wheelers; ``free`` is how far the camera's lane is empty, metres."""
    _add_walkers(cast)
    _add_crossing(cast, free)
    _add_ridden(cast, "bicycle", 0.50, free)
    _add_ridden(cast, "motorcycle", 0.40, free)
    _add_parked(cast, "motorcycle", 0.28)
    _add_parked(cast, "bicycle", 0.42)


def _walk(cast: Cast, side: int) -> float:
    """A random X on the walkway of a side."""
    street = cast.street
    outer = street.walk[(side + 1) // 2]
    inner = street.kerb(side) + side * (street.verge[(side + 1) // 2] + 0.4)
    return inner + (outer - side * 0.4 - inner) * cast.rng.uniform()


def _find(cast: Cast, draw: Callable[[], tuple[float, float]], half_x: float) -> tuple[float, float] | None:
    """A place (x, z) drawn by ``draw`` that is free and in sight; None if a few tries find none."""
    for _ in range(_TRIES):
        x, z = draw()
        box: Box = (x - half_x, x + half_x, z - 0.4, z + 0.4)
        if cast.is_free(box) and cast.is_seen(box):
            return x, z
    return None


def _add_person(cast: Cast, x: float, z: float, y: float) -> None:
    cast.add(around(x, z), draw_person, cast.canvas, cast.rng, x, z, cast.light.sun, y)


def _add_walkers(cast: Cast) -> None:
    rng = cast.rng
    for _ in range(int(rng.integers(1, 8))):
        side = 1 if rng.uniform() < 0.55 else -1
        x, z = _walk(cast, side), 5.0 + 26 * rng.uniform() ** 1.7
        _add_person(cast, x, z, KERB)
        if rng.uniform() < 0.35:
            _add_person(cast, x + rng.uniform(0.5, 0.75), z + rng.uniform(-0.2, 0.3), KERB)


def _add_crossing(cast: Cast, free: float) -> None:
    """People who cross the road, on the zebra if there is one."""
    rng, street = cast.rng, cast.street
    z = min(free - 2.5, 20.0) if street.zebra is None else street.zebra + 1.6
    if z < 6 or rng.uniform() > (0.65 if street.zebra else 0.3):
        return
    for _ in range(int(rng.integers(1, 4))):
        spot = _find(cast, lambda: (rng.uniform(street.left, street.right), z + rng.uniform(-1, 1)), 0.3)
        if spot:
            _add_person(cast, *spot, 0.0)


def _add_ridden(cast: Cast, kind: str, chance: float, free: float) -> None:
    """A rider along the street or across it."""
    rng, street = cast.rng, cast.street
    if rng.uniform() > chance:
        return
    sideways = rng.uniform() < 0.55
    edge = street.right - street.parking[1] - 0.6

    def draw() -> tuple[float, float]:
        if sideways:
            return rng.uniform(-4.5, 4.0), rng.uniform(5.5, 13)
        x = (edge, rng.uniform(-0.8, 1.0), -street.lane * rng.uniform(0.7, 1.1))[int(rng.integers(3))]
        return x, rng.uniform(5.5, 12)

    spot = _find(cast, draw, 0.95 if sideways else 0.4)
    if spot:
        x, z = spot
        half = 0.9 if sideways else 0.35
        box = (x - half, x + half, z - 0.4, z + 0.4)
        cast.taken.append(box)
        cast.add(box, draw_cycle, cast.canvas, rng, kind, x, z, cast.light.sun, True, sideways)


def _add_parked(cast: Cast, kind: str, chance: float) -> None:
    """One or more parked two-wheelers on a pavement."""
    rng = cast.rng
    if rng.uniform() > chance:
        return
    count = int(rng.integers(1, 5)) if kind == "bicycle" else int(rng.integers(1, 3))
    step = 0.65 if kind == "bicycle" else 1.5
    spot = _find(cast, lambda: (_walk(cast, 1 if rng.uniform() < 0.6 else -1), rng.uniform(5.5, 12)), 0.9)
    if spot:
        x, z = spot
        for k in range(count):
            sideways = rng.uniform() < 0.85
            place = (x + rng.uniform(-0.2, 0.2), z + step * k)
            half = 0.9 if sideways else 0.35
            box = (place[0] - half, place[0] + half, place[1] - 0.3, place[1] + 0.3)
            cast.add(box, draw_cycle, cast.canvas, rng, kind, *place, cast.light.sun, False, sideways, KERB)
