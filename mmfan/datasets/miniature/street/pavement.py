"""The two pavements: lamp posts, trees, traffic lights, signs, bollards, bins."""

import numpy as np

from mmfan.datasets.miniature.street.cast import Cast, around
from mmfan.datasets.miniature.street.street import KERB
from mmfan.datasets.miniature.things.furniture import (
    bollard_style,
    draw_bin,
    draw_bollard,
    draw_lamp_post,
    draw_sign,
    draw_traffic_light,
)
from mmfan.datasets.miniature.things.plants import draw_tree, leaf_colour, tree_shadow


def add_furniture(cast: Cast) -> None:
    """Queue what stands on both pavements."""
    for side in (-1, 1):
        line = cast.street.kerb(side) + side * cast.rng.uniform(0.45, 0.7)
        _add_lamps_and_trees(cast, side, line)
        _add_signals(cast, side, line)
        _add_small_things(cast, side)


def _in_side_street(cast: Cast, z: float) -> bool:
    span = cast.street.crossing
    return span is not None and span[0] - 0.5 < z < span[1] + 0.5


def _row(cast: Cast, start: tuple[float, float], end: float, step: tuple[float, float]) -> list[float]:
    """Evenly spaced places along the street, the side street left out: random start and step, metres."""
    places = np.arange(cast.rng.uniform(*start), end, cast.rng.uniform(*step))
    return [float(z) for z in places if not _in_side_street(cast, float(z))]


def _add_lamps_and_trees(cast: Cast, side: int, line: float) -> None:
    rng, canvas, light = cast.rng, cast.canvas, cast.light
    if rng.uniform() < 0.75:
        for z in _row(cast, (6, 18), 90, (18, 28)):
            cast.add(around(line, z), draw_lamp_post, canvas, rng, line, z, light.sun, light.dark)
    if rng.uniform() < 0.5:
        colour, tall = leaf_colour(rng, cast.autumn), rng.uniform(4.0, 8.0)
        x = line + side * (0.6 if cast.street.verge[(side + 1) // 2] else 0.3)
        for z in _row(cast, (8, 16), 85, (7, 13)):
            height = tall * rng.uniform(0.85, 1.15)
            tree_shadow(canvas, light.sun, x, z, height)
            cast.add(around(x, z, 0.25 * height), draw_tree, canvas, rng, x, z, height, colour)


def _add_signals(cast: Cast, side: int, line: float) -> None:
    rng, street = cast.rng, cast.street
    stop = street.zebra - 1.5 if street.zebra else rng.uniform(8, 20)
    if rng.uniform() < (0.75 if street.zebra or street.crossing else 0.35) and not _in_side_street(cast, stop):
        cast.add(around(line, stop), draw_traffic_light, cast.canvas, rng, line, stop, cast.light.sun)
    for _ in range(int(rng.integers(0, 3))):
        z, x = rng.uniform(6.5, 22), line + side * rng.uniform(0, 0.5)
        if not _in_side_street(cast, z):
            cast.add(around(x, z), draw_sign, cast.canvas, rng, x, z, cast.light.sun)


def _add_small_things(cast: Cast, side: int) -> None:
    rng, street = cast.rng, cast.street
    if rng.uniform() < 0.22:
        style = bollard_style(rng)
        for z in _row(cast, (4, 8), 26, (1.8, 2.8)):
            x = street.kerb(side) + side * 0.4
            cast.add(around(x, z), draw_bollard, cast.canvas, style, x, z, KERB)
    if rng.uniform() < 0.35:
        z, x = rng.uniform(6, 25), street.walk[(side + 1) // 2] - side * 0.6
        if not _in_side_street(cast, z):
            cast.add(around(x, z, 0.5), draw_bin, cast.canvas, rng, x, z, cast.light.sun)
