"""The plots along one side of a street: houses, walls, fences with gardens, parks, from the far end to the near."""

import numpy as np

from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.day import Light
from mmfan.datasets.miniature.render.light import Row
from mmfan.datasets.miniature.street.street import Street
from mmfan.datasets.miniature.things.barriers import draw_fence, draw_wall
from mmfan.datasets.miniature.things.buildings import House, draw_house
from mmfan.datasets.miniature.things.plants import draw_hedge, draw_shrub, draw_tree, leaf_colour, tree_shadow

_SHADOW_FROM = -80.0
_SHADOW_TO = 300.0
_GREENS = ((112, 120, 66), (94, 112, 58), (128, 118, 76), (118, 100, 74), (84, 102, 62))


def _spans(rng: np.random.Generator, street: Street) -> list[tuple[float, float, str]]:
    """Cut a side into plots (from, to, kind), near to far; the near ones are drawn from a richer mix."""
    spans = []
    z = rng.uniform(0.8, 3.0)
    last = ""
    while z < street.end:
        length = rng.uniform(8, 15) if z < 30 else rng.uniform(14, 26)
        end = z + length
        near = z < 32
        share = (0.40, 0.23, 0.23, 0.14) if near else (0.66, 0.12, 0.12, 0.10)
        kind = ("house", "wall", "fence", "park")[int(rng.choice(4, p=share))]
        if kind == last and kind != "house" and rng.uniform() < 0.6:
            kind = "house"
        if street.crossing:
            z0, z1 = street.crossing
            if z < z0 < end + 3:
                spans.append((z, z0 - 2.0, kind))
                z, last = z1 + 2.0, ""
                continue
        spans.append((z, end, kind))
        z, last = end, kind
    return [span for span in spans if span[1] - span[0] > 2.5]


def draw_side(canvas: Canvas, rng: np.random.Generator, street: Street, side: int, light: Light, autumn: float) -> Row:
    """Paint one side of the street (-1 left, +1 right) and return its shadow-casting profile."""
    x = street.walk[0] if side < 0 else street.walk[1]
    heights = np.zeros(int(_SHADOW_TO - _SHADOW_FROM))
    # Houses beside and behind the camera cast shadows too.
    for z in range(int(_SHADOW_FROM), 1, 12):
        if rng.uniform() < 0.7:
            heights[int(z - _SHADOW_FROM) : int(z - _SHADOW_FROM) + 11] = rng.uniform(6, 15)
    base = rng.uniform(6.5, 15.0)
    for start, end, kind in reversed(_spans(rng, street)):
        low, high = round(start - _SHADOW_FROM), round(end - _SHADOW_FROM)
        if kind == "house":
            setback = rng.uniform(0, 0.6) if rng.uniform() < 0.7 else rng.uniform(1.0, 3.0)
            height = max(base * rng.uniform(0.7, 1.3), 4.5)
            draw_house(canvas, rng, House(x + side * setback, start, end, height, side), light.dark)
            heights[low:high] = height
        else:
            heights[low:high] = _garden(canvas, rng, x, start, end, side, kind, light, autumn)
    return Row(x, heights, _SHADOW_FROM)


def _garden(
    canvas: Canvas,
    rng: np.random.Generator,
    x: float,
    start: float,
    end: float,
    side: int,
    kind: str,
    light: Light,
    autumn: float,
) -> float:
    """A plot without a house front: terrain, perhaps a house set back, trees, then the barrier. Returns its height."""
    earth = np.array(_GREENS[int(rng.integers(len(_GREENS)))]) * rng.uniform(0.85, 1.15)
    lawn = canvas.surface("terrain", (0, 1, 0), (x, 0.1, start), grain="grass" if rng.uniform() < 0.75 else "soil")
    outer = x + side * 60
    canvas.face(lawn, np.array([(x, 0.1, start), (outer, 0.1, start), (outer, 0.1, end), (x, 0.1, end)]), earth)
    if rng.uniform() < (0.25 if kind == "park" else 0.55):
        back = rng.uniform(6, 14)
        house = House(x + side * back, start + 1.0, end - 1.0, rng.uniform(5, 12), side)
        draw_house(canvas, rng, house, light.dark)
    colour = leaf_colour(rng, autumn)
    if rng.uniform() < 0.25 and kind != "fence":
        draw_hedge(canvas, rng, x + side * 1.0, start, end, rng.uniform(1.0, 2.2), colour)
    count = int(rng.integers(2, 5)) if kind == "park" else int(rng.integers(0, 4))
    for z in sorted(rng.uniform(start + 0.5, end - 0.5, count), reverse=True):
        tree_x, tall = x + side * rng.uniform(1.5, 8), rng.uniform(4.5, 9.5)
        draw_tree(canvas, rng, tree_x, float(z), tall, colour * rng.uniform(0.85, 1.15))
        tree_shadow(canvas, light.sun, tree_x, float(z), tall)
    for z in sorted(rng.uniform(start, end, int(rng.integers(0, 4))), reverse=True):
        draw_shrub(
            canvas, rng, x + side * rng.uniform(0.8, 3), float(z), rng.uniform(0.6, 1.6), leaf_colour(rng, autumn)
        )
    if kind == "wall":
        height = rng.uniform(1.3, 3.0)
        draw_wall(canvas, rng, x, start, end, height)
        return height
    if kind == "fence":
        draw_fence(canvas, rng, x, start, end, rng.uniform(1.1, 2.0))
    return 0.0
