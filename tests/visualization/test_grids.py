"""The grid of several models' predictions."""

import numpy as np
import pytest

from mmfan.visualization import grids
from mmfan.visualization.grids import ModelRow, _share, model_grid
from mmfan.visualization.style import draw

CLASSES = ["road", "sky", "car"]
PALETTE = [[128, 64, 128], [70, 130, 180], [0, 0, 142]]


def row(predictions=(1, 2), truth=0, label="clean", name="", shape=(20, 40)):
    maps = tuple(None if number is None else np.full(shape, number, np.uint8) for number in predictions)
    return ModelRow(
        np.full((*shape, 3), 77, np.uint8),
        None if truth is None else np.full(shape, truth, np.uint8),
        maps,
        label,
        name,
    )


def test_columns_stand_in_the_order_promised():
    grid = model_grid([row(predictions=(1, None))], ["a", "b"], CLASSES, PALETTE)
    middle = grid.shape[0] // 2
    at = [tuple(grid[middle, int(grid.shape[1] * (column + 0.5) / 4)].tolist()) for column in range(4)]
    assert at == [(77, 77, 77), (128, 64, 128), (70, 130, 180), (225, 225, 225)]
    assert grid.dtype == np.uint8


def test_one_model(monkeypatch):
    drawn = []
    monkeypatch.setattr(grids, "draw", lambda figure: drawn.append(figure) or draw(figure))
    grid = model_grid([row(predictions=(1,), label="ulm_000000")], ["prediction"], CLASSES, PALETTE)
    middle = grid.shape[0] // 2
    at = [tuple(grid[middle, int(grid.shape[1] * (column + 0.5) / 3)].tolist()) for column in range(3)]
    assert at == [(77, 77, 77), (128, 64, 128), (70, 130, 180)]
    titles = [axes.get_title() for axes in drawn[0].axes]
    below = [axes.texts[0].get_text() for axes in drawn[0].axes]
    assert titles == ["input", "truth", "prediction"]
    assert below == ["ulm_000000", "", "0.0% of the pixels right"]
    without = model_grid([row(predictions=(1,), label="")], ["prediction"], CLASSES, PALETTE)
    assert without.shape == grid.shape


def test_same_rows_same_pixels_and_more_rows_make_it_higher():
    one, again = (model_grid([row()], ["a", "b"], CLASSES, PALETTE) for _ in range(2))
    assert np.array_equal(one, again)
    three = model_grid([row()] * 3, ["a", "b"], CLASSES, PALETTE)
    assert three.shape[1] == one.shape[1]
    assert three.shape[0] > 2 * one.shape[0]


def test_ten_models_with_long_names_stay_within_a_screen():
    names = [f"segformer_mit-b{number}_8xb1-160k_cityscapes-1024x1024" for number in range(10)]
    grid = model_grid([row(predictions=(1,) * 10)], names, CLASSES, PALETTE)
    assert grid.shape[1] < 2600


def test_share_of_right_pixels_by_hand():
    truth = np.array([[0, 1, 255, 2]], np.uint8)
    prediction = np.array([[0, 0, 0, 2]], np.uint8)
    one = ModelRow(np.zeros((1, 4, 3), np.uint8), truth, (prediction, None), "clean")
    assert _share(one, 0, 3) == "66.7% of the pixels right"
    assert _share(one, 1, 3) == "not there"
    assert _share(one._replace(truth=None), 0, 3) == ""
    assert _share(one._replace(truth=np.full_like(truth, 255)), 0, 3) == ""


def test_errors():
    with pytest.raises(ValueError, match="at least one row"):
        model_grid([], ["a"], CLASSES, PALETTE)
    with pytest.raises(ValueError, match="Expected 1 prediction in row 'clean' of the grid, one a model; got 2"):
        model_grid([row()], ["a"], CLASSES, PALETTE)
    wrong = row()._replace(truth=np.zeros((3, 3), np.uint8), name="x")
    with pytest.raises(ValueError, match=r"\(20, 40\) for 'truth' in row 'clean' of x, got \(3, 3\)"):
        model_grid([wrong], ["a", "b"], CLASSES, PALETTE)
