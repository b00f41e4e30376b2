from dataclasses import replace

import numpy as np
import pytest

from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.day import Light, sample_light
from mmfan.datasets.miniature.render.light import Row, render

NOON = Light(
    sun=np.array([0.0, 1.0, 0.0]),
    sun_colour=np.ones(3),
    ambient=np.full(3, 0.3),
    zenith=np.array([0.1, 0.2, 0.5]),
    horizon=np.full(3, 0.7),
    haze=1e9,
    clouds=0.0,
    exposure=1.0,
    balance=np.ones(3),
    noise=0.0,
    dark=0.0,
)


def ground_canvas(grain="smooth"):
    canvas = Canvas(Camera(size=(96, 64), focal=90.0, horizon=24.0, height=1.5))
    surface = canvas.surface("road", (0, 1, 0), (0, 0, 0), grain=grain)
    canvas.face(surface, np.array([(-200, 0, 0.2), (200, 0, 0.2), (200, 0, 900), (-200, 0, 900)]), (128, 128, 128))
    return canvas


def draw(canvas, light, rows=()):
    return render(canvas, light, rows, np.random.default_rng(0)).astype(float)


def test_grey_ground_at_noon_has_the_worked_out_brightness():
    picture = draw(ground_canvas(), NOON)
    # albedo (128 / 255)^2, light 1 + 0.3 (all of the sky), tone curve sqrt(1 - exp(-1.75 x))
    expected = 255 * np.sqrt(1 - np.exp(-1.75 * (128 / 255) ** 2 * 1.3))
    assert abs(picture[40:].mean() - expected) < 3


def test_a_row_of_houses_shades_what_lies_behind_it_from_the_sun():
    sun = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)  # 45 degrees, from the right
    row = Row(x=4.0, heights=np.full(400, 3.0), first=-80.0)  # shade reaches from X = 4 to X = 1
    picture = draw(ground_canvas(), replace(NOON, sun=sun), (row,))
    line = picture[54, :, 0]  # depth 1.5 * 90 / (54.5 - 24) m
    depth = 1.5 * 90 / 30.5
    x = (np.arange(96) + 0.5 - 48) / 90 * depth
    assert line[x < 0.7].min() > line[(x > 1.3)].max() + 20


def test_haze_takes_far_things_to_the_horizon_colour():
    clear, hazy = draw(ground_canvas(), NOON), draw(ground_canvas(), replace(NOON, haze=10.0))
    limit = 255 * np.sqrt(1 - np.exp(-1.75 * 0.9 * 0.7))
    assert abs(hazy[25].mean() - limit) < 4
    assert abs(clear[25].mean() - limit) > 10


def test_glowing_things_shine_in_the_dark():
    canvas = ground_canvas()
    lamp = canvas.surface("traffic light", (0, 0, 0), (0, 0, 5), grain="smooth", glow=1.0)
    canvas.fill(lamp, np.array([(40, 30), (50, 30), (50, 40), (40, 40)]), (255, 60, 40))
    picture = draw(canvas, replace(NOON, sun_colour=np.zeros(3), ambient=np.full(3, 0.01)))
    assert picture[35, 45, 0] > 200
    assert picture[55].mean() < 50


def test_noise_has_the_asked_for_strength():
    quiet = draw(ground_canvas(), NOON)
    noisy = draw(ground_canvas(), replace(NOON, noise=4.0))
    assert 3.5 < (noisy - quiet)[30:].std() < 5.0


@pytest.mark.parametrize("seed", range(20))
def test_sampled_lights_are_sensible(seed):
    light = sample_light(np.random.default_rng(seed))
    assert np.isclose(np.linalg.norm(light.sun), 1)
    assert light.sun[1] > 0
    assert light.haze > 30
    assert 0 <= light.clouds <= 1
    assert 0 <= light.dark <= 1
