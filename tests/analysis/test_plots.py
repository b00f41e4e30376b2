"""Maps over pictures, by hand."""

import numpy as np

from mmfan.analysis.plots import heated, image_grid, stretched, tinted
from mmfan.visualization.style import draw


def test_cells_reach_as_far_as_their_stride() -> None:
    cells = np.array([[1, 2], [3, 4]])
    assert stretched(cells, (3, 4), 2).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4]]
    # a map rounded down: the rest takes the last cell
    assert stretched(cells, (2, 5), 2)[0].tolist() == [1, 1, 2, 2, 2]


def test_paint() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    labels = np.array([[0, 1], [1, 0]]).repeat(2, 0).repeat(2, 1)
    painted = tinted(grey, labels)
    assert (painted[0, 0] == painted[3, 3]).all()
    assert (painted[0, 0] != painted[0, 3]).any()
    heat = heated(grey, labels.astype(float))
    assert heat[0, 3].sum() > heat[0, 0].sum()
    assert (heated(grey, np.zeros((4, 4))) == heated(grey, np.zeros((4, 4)), 1.0)).all()


def test_rows_of_different_length_make_a_figure() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    pixels = draw(image_grid([[("a", picture)] * 3, [("b", picture)]], ["one", "two"]))
    assert pixels.min() == 0
    assert pixels.max() == 255
