"""Brightness, contrast and saturation against the reference, on photographs and on every kind of colour."""

import colorsys

import numpy as np
import pytest
from helpers.reference_corruptions import PHOTOGRAPHS, levels_apart, photograph, reference
from numpy.typing import NDArray

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt


def _all_colours() -> NDArray[np.uint8]:
    """Every combination of 32 levels of each channel, among them the extremes and neighbours of greys."""
    levels = np.unique(np.concatenate([np.linspace(0, 255, 26), [1, 2, 3, 127, 128, 254]])).astype(np.uint8)
    red, green, blue = np.meshgrid(levels, levels, levels, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(levels.size, -1, 3)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["brightness", "saturate"])
@pytest.mark.slow
def test_hsv_changes_are_those_of_the_reference(name: str, severity: int) -> None:
    for image in (*map(photograph, PHOTOGRAPHS), np.resize(_all_colours(), (200, 160, 3))):
        apart = levels_apart(corrupt(image, name, severity, 0), reference(image, name, severity))
        # exact results such as 0.2 * 255 are cut off to 51 or 50, as the rounding of the way there has it
        assert apart.max() <= 1


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_is_that_of_the_reference(severity: int) -> None:
    for image in (*map(photograph, PHOTOGRAPHS), np.resize(_all_colours(), (200, 160, 3))):
        # the mean of a channel is exact here, and a sum of float64 there; a level that lands on a whole one shows it
        apart = levels_apart(corrupt(image, "contrast", severity, 0), reference(image, "contrast", severity))
        assert apart.max() <= 1
        assert len(np.unique(image[apart > 0])) <= 2


@pytest.mark.parametrize("name", ["brightness", "saturate"])
def test_hue_stays(name: str) -> None:
    for severity in SEVERITIES:
        for colour in ((200, 40, 90), (20, 160, 60), (70, 80, 230)):
            image = np.full((32, 32, 3), colour, np.uint8)
            changed = corrupt(image, name, severity, 0)[0, 0] / 255
            hue, saturation, value = colorsys.rgb_to_hsv(*(np.array(colour) / 255))
            if name == "brightness":
                value = min(value + PARAMETERS[name][severity - 1], 1)
            else:
                scale, shift = PARAMETERS[name][severity - 1]
                saturation = min(saturation * scale + shift, 1)
            np.testing.assert_allclose(changed, colorsys.hsv_to_rgb(hue, saturation, value), atol=1.01 / 255)


def test_grey_colours() -> None:
    ramp = np.resize(np.arange(256, dtype=np.uint8), (32, 256))
    grey = np.repeat(ramp[..., None], 3, axis=2)
    for severity in SEVERITIES:
        np.testing.assert_array_equal(corrupt(ramp, "saturate", severity, 0), ramp)
        three = corrupt(grey, "brightness", severity, 0)
        assert (three == three[..., :1]).all()
        assert levels_apart(corrupt(ramp, "brightness", severity, 0), three[..., 0]).max() <= 1
        red, green, blue = np.moveaxis(corrupt(grey, "saturate", severity, 0), -1, 0)
        np.testing.assert_array_equal(red, ramp)
        np.testing.assert_array_equal(green, blue)
        # a saturation where there was none: grey turns reddish
        shift = PARAMETERS["saturate"][severity - 1][1]
        assert np.abs(green - ramp * (1 - shift)).max() <= 1
