"""Snow against the reference: with the same flakes and fall, and over many seeds."""

import math

import numpy as np
import pytest
from helpers.picture_statistics import assert_same_distribution
from helpers.reference_corruptions import SMALL, assert_close, photograph, reference_with
from numpy.typing import NDArray

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.draws import NORMAL_ONE, normals, uniform


def _theirs(image: NDArray[np.uint8], severity: int, seed: int) -> NDArray[np.uint8]:
    """The reference with our draws: flakes for the middle of the picture that is enlarged, and the angle."""
    zoom = PARAMETERS["snow"][severity - 1][2]
    height, width = (math.ceil(side / zoom) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2

    def normal(size: tuple[int, int], loc: float, scale: float) -> NDArray[np.float64]:
        layer = np.zeros(size)
        flakes = normals(seed, 0, height * width).reshape(height, width) / NORMAL_ONE
        layer[top : top + height, left : left + width] = flakes * scale + loc
        return layer

    return reference_with(image, "snow", severity, normal=normal, uniform=lambda low, high: uniform(seed, 2, low, high))


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("part", SMALL)
def test_same_draws_give_the_picture_of_the_reference(part: str, severity: int) -> None:
    for seed in (1, 2, 3):
        image = photograph(part)
        assert_close(corrupt(image, "snow", severity, seed), _theirs(image, severity, seed), share=0.0005)


def test_a_height_of_which_the_last_row_is_lost() -> None:
    # 720 rows enlarged by 3: SciPy takes the last one for outside
    image = np.full((720, 40, 3), 90, np.uint8)
    assert_close(corrupt(image, "snow", 1, 4), _theirs(image, 1, 4), share=0.0005)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_same_distribution_as_the_reference(severity: int) -> None:
    assert_same_distribution("snow", severity)
