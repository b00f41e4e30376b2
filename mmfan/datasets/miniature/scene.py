"""A street scene: plan, painting from back to front, light, and the label pictures that belong to it."""

from dataclasses import dataclass

import numpy as np

from mmfan.datasets.cityscapes_labels import COUNTABLE
from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.day import sample_light
from mmfan.datasets.miniature.render.light import label_index, render
from mmfan.datasets.miniature.render.weather import Weather
from mmfan.datasets.miniature.street.cast import Cast
from mmfan.datasets.miniature.street.passers import add_passers
from mmfan.datasets.miniature.street.pavement import add_furniture
from mmfan.datasets.miniature.street.plots import draw_side
from mmfan.datasets.miniature.street.street import draw_ground, sample_street
from mmfan.datasets.miniature.street.traffic import add_vehicles
from mmfan.datasets.miniature.things.buildings import close_street
from mmfan.datasets.miniature.things.plants import leaf_colour, skyline
from mmfan.errors import MMFanError

SMALLEST = 64
"""Smallest width and height that a scene can be drawn at, pixels."""


@dataclass(frozen=True)
class Scene:
    """A drawn picture with its labels.

    Args:
        image: Shape (H, W, 3), uint8, RGB.
        label_ids: Cityscapes label ids, shape (H, W), uint8.
        instance_ids: ``label id * 1000 + n`` for countable objects, n = 0, 1, ... in each class, and the plain label id
            elsewhere; shape (H, W), uint16.
    """

    image: np.ndarray
    label_ids: np.ndarray
    instance_ids: np.ndarray


def sample_camera(rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """Draw a camera as in a car: height 1.2 to 2.1 m, a moderate lens, small turns."""
    width, height = size
    return Camera(
        size=size,
        focal=width * rng.uniform(0.74, 1.02),
        horizon=height * rng.uniform(0.38, 0.50),
        height=rng.uniform(1.2, 2.1),
        yaw=float(np.deg2rad(np.clip(rng.normal(0, 4.0), -9, 9))),
        roll=float(np.deg2rad(rng.uniform(-0.8, 0.8))),
    )


def draw_scene(rng: np.random.Generator, size: tuple[int, int] = (512, 256), weather: Weather | None = None) -> Scene:
    """Draw a street scene.

    Args:
        rng: The only source of chance: the same state gives the same bytes.
        size: (width, height) in pixels, each at least SMALLEST.
        weather: Bad weather, with chance of its own; None for the weather that is drawn with the scene.

    Raises:
        MMFanError: If the size is too small.
    """
    width, height = (int(side) for side in size)
    if width < SMALLEST or height < SMALLEST:
        raise MMFanError(
            f"Expected `size` (width, height) to be at least {SMALLEST} x {SMALLEST}, but got {width} x {height}."
        )
    light = sample_light(rng)
    if weather is not None:
        light = weather.light(light)
    canvas = Canvas(sample_camera(rng, (width, height)))
    street = sample_street(rng)
    autumn = rng.uniform(0, 0.9) if rng.uniform() < 0.3 else 0.0
    draw_ground(canvas, rng, street)
    closing = rng.uniform()
    if closing < 0.8:
        skyline(canvas, rng, street.end + 25, leaf_colour(rng, autumn) * 0.9)
    if closing < 0.4:
        close_street(canvas, rng, street.end + 8, -45, 45)
    rows = tuple(draw_side(canvas, rng, street, side, light, autumn) for side in (-1, 1))
    cast = Cast(canvas, rng, street, light, autumn)
    free = add_vehicles(cast)
    add_furniture(cast)
    add_passers(cast, free)
    cast.paint()
    if rng.uniform() < 0.4:
        _bonnet(canvas, rng)
    image = render(canvas, light, rows, rng, weather)
    return label_pictures(canvas, image)


def _bonnet(canvas: Canvas, rng: np.random.Generator) -> None:
    """The camera car's own bonnet along the lower edge: class "ego vehicle"."""
    width, height = canvas.camera.size
    surface = canvas.surface("ego vehicle", (0, 0, 0), (0, 0, 1.0), grain="smooth")
    colour = np.array((34, 36, 40)) * rng.uniform(0.6, 3.5)
    top = height * rng.uniform(0.91, 0.97)
    x = np.linspace(-0.05, 1.05, 24)
    for drop, tone in ((0.0, 1.5), (0.012, 1.0)):
        curve = np.stack([x * width, top + height * (drop + 0.35 * (x - 0.5) ** 2)], axis=1)
        outline = np.concatenate([curve, [(1.05 * width, height + 2), (-0.05 * width, height + 2)]])
        canvas.fill(surface, outline, np.clip(colour * tone, 0, 230))


def label_pictures(canvas: Canvas, image: np.ndarray) -> Scene:
    """Read the labels off a painted canvas; objects that ended up hidden get no number."""
    table = canvas.surfaces()
    index = label_index(canvas)
    present = np.unique(index)
    instance = table.label.astype(np.uint16)
    counts: dict[int, int] = {}
    given: dict[int, int] = {}
    for row in present:
        number, label = int(table.number[row]), int(table.label[row])
        if not COUNTABLE[label] or number == 0:
            continue
        if number not in given:
            given[number] = label * 1000 + counts.get(label, 0)
            counts[label] = counts.get(label, 0) + 1
        instance[row] = given[number]
    return Scene(image, table.label[index], instance[index])
