"""The line of motion blur and snow: positions and weights worked out by hand, and a slow form of the average."""

import numpy as np
import pytest

from mmfan.corruptions.line import blur_along_line, line_taps


def test_positions_along_a_row_and_a_column() -> None:
    rows, columns, weights = line_taps(2, 1.0, 0.0, (40, 40))
    np.testing.assert_array_equal(rows, [0, 0, 0, 0, 0])
    np.testing.assert_array_equal(columns, [0, 1, 2, 3, 4])
    expected = np.exp([0, -0.5, -2, -4.5, -8])
    np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-6)
    rows, columns, _ = line_taps(2, 1.0, -90.0, (40, 40))
    np.testing.assert_array_equal(rows, [0, -1, -2, -3, -4])
    np.testing.assert_array_equal(columns, [0, 0, 0, 0, 0])


def test_positions_at_an_angle_are_rounded_half_down() -> None:
    # at 30 degrees the steps are 0.5 down and 0.866 to the right
    rows, columns, _ = line_taps(2, 1.0, 30.0, (40, 40))
    np.testing.assert_array_equal(columns, [0, 1, 2, 3, 3])
    assert rows.tolist()[::2] == [0, 1, 2]


def test_a_line_longer_than_the_picture_ends_early_and_is_not_scaled_up() -> None:
    rows, columns, weights = line_taps(20, 15.0, 0.0, (32, 32))
    assert rows.size == columns.size == 32
    whole = line_taps(20, 15.0, 0.0, (64, 64))[2]
    np.testing.assert_array_equal(weights, whole[:32])
    assert weights.sum() < 1


@pytest.mark.parametrize("angle", [-135.0, -90.0, -45.0, -10.0, 0.0, 33.0, 45.0])
@pytest.mark.parametrize("shape", [(32, 40), (33, 35, 3)])
def test_average_equals_the_plain_form(shape: tuple[int, ...], angle: float) -> None:
    image = np.random.default_rng(3).integers(0, 256, shape).astype(np.float32)
    rows, columns, weights = line_taps(10, 4.0, angle, (shape[0], shape[1]))
    expected = np.zeros(shape)
    for dy, dx, weight in zip(rows, columns, weights, strict=True):
        down = np.clip(np.arange(shape[0]) + dy, 0, shape[0] - 1)
        right = np.clip(np.arange(shape[1]) + dx, 0, shape[1] - 1)
        expected += weight * image[down][:, right].astype(np.float64)
    out = np.empty_like(image)
    blur_along_line(image, (rows, columns, weights), out)
    np.testing.assert_allclose(out, expected, rtol=1e-5)
