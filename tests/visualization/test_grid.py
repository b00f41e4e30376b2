"""The grid of input, truth and prediction."""

import numpy as np
import pytest

from mmfan.visualization import comparison_grid
from mmfan.visualization.grid import Row, _pixel_accuracy

CLASSES = ["road", "sky", "car"]
PALETTE = [[128, 64, 128], [70, 130, 180], [0, 0, 142]]


def row(height=20, width=40, truth=0, prediction=1):
    shape = (height, width)
    return Row(np.full((*shape, 3), 77, np.uint8), np.full(shape, truth), np.full(shape, prediction), "name")


def test_columns_stand_in_the_order_promised():
    grid = comparison_grid([row()], CLASSES, PALETTE)
    middle = grid.shape[0] // 2
    at = [tuple(grid[middle, int(grid.shape[1] * share)].tolist()) for share in (1 / 6, 1 / 2, 5 / 6)]
    assert at == [(77, 77, 77), (128, 64, 128), (70, 130, 180)]
    assert grid.dtype == np.uint8


def test_more_rows_make_it_higher_and_not_wider():
    one, three = (comparison_grid([row()] * count, CLASSES, PALETTE) for count in (1, 3))
    assert three.shape[1] == one.shape[1]
    assert three.shape[0] > 2 * one.shape[0]


def test_same_rows_same_pixels():
    assert np.array_equal(comparison_grid([row()], CLASSES, PALETTE), comparison_grid([row()], CLASSES, PALETTE))


def test_share_of_right_pixels_by_hand():
    truth, prediction = np.array([[0, 1, 255, 2]]), np.array([[0, 0, 0, 2]])
    assert _pixel_accuracy(Row(np.zeros((1, 4, 3), np.uint8), truth, prediction), 3) == pytest.approx(2 / 3)
    ignored = np.array([[255]])
    assert _pixel_accuracy(Row(np.zeros((1, 1, 3), np.uint8), ignored, ignored), 3) == 0


def test_errors():
    with pytest.raises(ValueError, match="at least one row"):
        comparison_grid([], CLASSES, PALETTE)
    with pytest.raises(ValueError, match=r"of name differ in size: \(20, 40\), \(20, 40\), \(3, 3\)"):
        comparison_grid([row()._replace(prediction=np.zeros((3, 3), int))], CLASSES, PALETTE)
