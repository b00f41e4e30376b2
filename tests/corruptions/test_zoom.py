"""Zoom blur against the reference, and the positions that an enlargement reads."""

import numpy as np
import pytest
from helpers.reference_corruptions import PHOTOGRAPHS, assert_close, photograph, reference

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.zoom import OUTSIDE, zoomed_positions

zoom = pytest.importorskip("scipy.ndimage").zoom


@pytest.mark.parametrize("severity", SEVERITIES)
def test_is_that_of_the_reference(severity: int) -> None:
    for part in PHOTOGRAPHS:
        image = photograph(part)
        # float32 sums: where the mean is a whole level to within 1e-3 it may be cut off on either side of it
        assert_close(corrupt(image, "zoom_blur", severity, 0), reference(image, "zoom_blur", severity), share=0.003)


@pytest.mark.parametrize("length", [32, 33, 47, 100, 143, 171, 720, 1024, 1080])
def test_positions_read_what_scipy_enlarges(length: int) -> None:
    line = np.random.default_rng(length).random(length)
    for first_and_step in PARAMETERS["zoom_blur"]:
        for factor in np.arange(1, *first_and_step):
            lower, weight = zoomed_positions(length, factor)
            crop = int(np.ceil(length / factor))
            start = (length - crop) // 2
            expected = zoom(line[start : start + crop], factor, order=1)[:length]
            assert lower.size == length == expected.size
            ours = line[lower] + weight * (line[lower + 1] - line[lower])
            ours[weight == OUTSIDE] = 0
            np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_zooms_are_those_of_the_table() -> None:
    counts = [np.arange(1, *parameters).size for parameters in PARAMETERS["zoom_blur"]]
    assert counts == [12, 16, 11, 13, 11]


def test_the_last_pixel_is_black_where_scipy_loses_it() -> None:
    assert zoomed_positions(1080, 1.27, whole=True)[1][-1] == OUTSIDE
    assert zoomed_positions(720, 3)[1][-1] == OUTSIDE
    assert (zoomed_positions(720, 3)[1][:-1] >= 0).all()
    factors = np.arange(1, *PARAMETERS["zoom_blur"][0])
    # the sizes of Cityscapes lose none
    assert all((zoomed_positions(side, factor)[1] >= 0).all() for side in (1024, 2048) for factor in factors)


@pytest.mark.parametrize("level", [0, 3, 128, 255])
def test_a_flat_picture_stays_as_it_is(level: int) -> None:
    image = np.full((50, 64, 3), level, np.uint8)
    for severity in SEVERITIES:
        np.testing.assert_array_equal(corrupt(image, "zoom_blur", severity, 0), image)
