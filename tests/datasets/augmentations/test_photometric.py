"""Operations of AugMix against Pillow's, which the paper takes."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from mmfan.datasets.augmentations.photometric import OPERATIONS, OVERLAPS, OWN, equalize, posterize


def picture(low=10, high=240):
    rng = np.random.default_rng(0)
    smooth = np.linspace(low, high, 40)[:, None, None] * np.array([0.4, 0.8, 1.0])
    return np.clip(smooth + rng.normal(0, 12, (40, 50, 3)), 0, 255).astype(np.uint8)


def by_pillow(image, change):
    made = change(Image.fromarray(np.ascontiguousarray(image[..., ::-1])))
    return np.asarray(made)[..., ::-1]


SAME = {
    "autocontrast": lambda level: ImageOps.autocontrast,
    "equalize": lambda level: ImageOps.equalize,
    "posterize": lambda level: lambda one: ImageOps.posterize(one, 4 - int(level * 4)),
    "solarize": lambda level: lambda one: ImageOps.solarize(one, 256 - int(level * 256)),
}
NEAR = {
    "colour": ImageEnhance.Color,
    "contrast": ImageEnhance.Contrast,
    "brightness": ImageEnhance.Brightness,
    "sharpness": ImageEnhance.Sharpness,
}


@pytest.mark.parametrize("level", [0.0, 0.05, 0.3, 0.74])
@pytest.mark.parametrize("name", SAME)
def test_the_same_bytes(name, level):
    image = picture()
    assert np.array_equal(OPERATIONS[name](image, level), by_pillow(image, SAME[name](level)))


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("name", NEAR)
def test_within_a_level(name, level):
    image = picture()
    expected = by_pillow(image, lambda one: NEAR[name](one).enhance(1.8 * level + 0.1))
    difference = np.abs(OPERATIONS[name](image, level).astype(int) - expected)
    assert difference.max() <= 2  # grey and mean are rounded before they are scaled
    assert difference.mean() < 0.6


def test_pictures_of_one_colour_stay():
    for colour in (0, 100, 255):
        flat = np.full((8, 8, 3), colour, np.uint8)
        assert np.array_equal(OPERATIONS["autocontrast"](flat, 1.0), flat)
        assert np.array_equal(equalize(flat), flat)


def test_inputs_are_not_changed():
    image = picture()
    before = image.copy()
    for operation in OPERATIONS.values():
        operation(image, 0.7)
    assert np.array_equal(image, before)


def test_no_bits_are_black():
    assert not posterize(picture(), 1.0).any()


def test_what_they_overlap():
    contrast = {"contrast"}
    assert {name: OVERLAPS[name] for name in OWN if name in OVERLAPS} == {
        "autocontrast": contrast,
        "equalize": contrast,
    }
    assert set(OPERATIONS) - set(OVERLAPS) == {"posterize", "solarize"}
