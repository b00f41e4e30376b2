"""Gaussian and motion blur against the reference."""

import cv2
import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import PHOTOGRAPHS, SMALL, assert_close, photograph, reference, reference_with

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.blur import blurred
from mmfan.corruptions.draws import uniform

norm = pytest.importorskip("scipy.stats").norm


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_blur_is_that_of_the_reference(severity: int) -> None:
    for part in PHOTOGRAPHS:
        image = photograph(part)
        ours = corrupt(image, "gaussian_blur", severity, 0)
        # where the mean is a whole level to within 1e-3 it may be cut off on either side of it
        assert_close(ours, reference(image, "gaussian_blur", severity), share=0.003)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_motion_blur_at_the_same_angle_is_that_of_the_reference(severity: int) -> None:
    for part in SMALL:
        for seed in range(4):
            image = photograph(part)
            theirs = reference_with(image, "motion_blur", severity, uniform=lambda a, b, s=seed: uniform(s, 0, a, b))
            assert_close(corrupt(image, "motion_blur", severity, seed), theirs, share=0.006)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_motion_blur_has_the_distribution_of_the_reference(severity: int) -> None:
    assert_same_distribution("motion_blur", severity)


@pytest.mark.parametrize("level", [0, 1, 77, 254, 255])
@pytest.mark.parametrize("name", ["gaussian_blur", "motion_blur"])
def test_a_flat_picture_stays_as_it_is(name: str, level: int) -> None:
    image = np.full((60, 70, 3), level, np.uint8)
    for severity in SEVERITIES:
        np.testing.assert_array_equal(corrupt(image, name, severity, 3), image)


@pytest.mark.parametrize("sigma", PARAMETERS["gaussian_blur"])
def test_gaussian_blur_turns_an_edge_into_the_normal_distribution(sigma: float) -> None:
    image = np.zeros((40, 80), np.uint8)
    image[:, 40:] = 255
    expected = 255 * norm.cdf((np.arange(80) + 0.5 - 40) / sigma)
    # for a sigma of 1 whole pixels are coarse samples; the level is cut off
    assert np.abs(blurred(image, sigma) + 0.5 - expected).max() < 1 + 2 / sigma**2


def test_motion_blur_drags_to_one_side() -> None:
    image = np.zeros((80, 80), np.uint8)
    image[:, 40:] = 255
    result = corrupt(image, "motion_blur", 5, 1).astype(int)
    # reads from the right, at an angle of at most 45 degrees: only what lies left of the edge changes
    assert (result[:, 41:] >= 254).all()
    assert 0 < result[40, 39] < 255
    assert cv2.countNonZero((result[:, :10] > 0).astype(np.uint8)) < 80 * 10
