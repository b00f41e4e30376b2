"""Defocus blur against the reference, and its disk."""

import numpy as np
import pytest
from helpers.reference_corruptions import PHOTOGRAPHS, assert_close, photograph, reference, source

from mmfan.corruptions import PARAMETERS, SEVERITIES, corrupt
from mmfan.corruptions.defocus import reference_disk


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.slow
def test_is_that_of_the_reference(severity: int) -> None:
    for part in PHOTOGRAPHS:
        image = photograph(part)
        # the smoothed picture has 8 bits behind the point
        ours = corrupt(image, "defocus_blur", severity, 0)
        assert_close(ours, reference(image, "defocus_blur", severity), share=0.001)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_disk_is_that_of_the_reference(severity: int) -> None:
    radius, sigma = PARAMETERS["defocus_blur"][severity - 1]
    np.testing.assert_array_equal(reference_disk(radius, sigma), source.disk(radius, sigma))


def test_large_disks_brighten_as_in_the_reference() -> None:
    image = np.full((64, 64, 3), 200, np.uint8)
    sums = [reference_disk(*parameters).sum() for parameters in PARAMETERS["defocus_blur"]]
    np.testing.assert_allclose(sums, [1, 1, 1, 1.013, 1.011], atol=5e-4)
    for severity in SEVERITIES:
        # float32 weights that add up to a hair less than one lose a level: in the reference and here
        result = corrupt(image, "defocus_blur", severity, 0)
        np.testing.assert_array_equal(result, reference(image, "defocus_blur", severity))
        assert len(np.unique(result)) == 1
        assert abs(int(result[0, 0, 0]) - 200 * sums[severity - 1]) <= 1


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_point_becomes_a_disk(severity: int) -> None:
    radius, _ = PARAMETERS["defocus_blur"][severity - 1]
    image = np.zeros((61, 61), np.uint8)
    image[28:33, 28:33] = 255
    touched = corrupt(image, "defocus_blur", severity, 0) > 0
    rows = np.nonzero(touched.any(axis=1))[0]
    columns = np.nonzero(touched.any(axis=0))[0]
    assert rows[0] + rows[-1] == columns[0] + columns[-1] == 60
    assert 2 * radius <= rows[-1] - rows[0] <= 2 * radius + 6
    np.testing.assert_array_equal(touched, touched.T)
