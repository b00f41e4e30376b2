"""Legends: the classes that occur, in their colours."""

import numpy as np
import pytest

from mmfan.visualization.legends import classes_present, legend, with_legend

CLASSES = ["road", "sky", "traffic light", "car"]
PALETTE = [[128, 64, 128], [70, 130, 180], [250, 170, 30], [0, 0, 142]]


def colours(picture):
    return {tuple(colour) for colour in np.unique(picture.reshape(-1, 3), axis=0).tolist()}


def test_classes_present_leaves_out_ignored_pixels():
    labels = [np.array([[3, 255]], np.uint8), np.array([[0, 3], [200, 0]], np.uint8)]
    assert classes_present(labels, 4) == [0, 3]
    assert classes_present([np.array([[255]])], 4) == []


@pytest.mark.parametrize("width", [40, 512, 2048])
def test_shows_exactly_the_colours_asked_for(width):
    strip = legend(CLASSES, PALETTE, [1, 3], width)
    assert strip.shape[1:] == (width, 3)
    assert strip.dtype == np.uint8
    assert {(70, 130, 180), (0, 0, 142)} <= colours(strip)
    assert not {(128, 64, 128), (250, 170, 30)} & colours(strip)


def test_height_grows_with_the_rows_needed():
    assert legend(CLASSES, PALETTE, [0, 1, 2, 3], 120).shape[0] > legend(CLASSES, PALETTE, [0], 120).shape[0]


def test_a_drawn_strip_may_be_changed_by_its_reader():
    first = legend(CLASSES, PALETTE, [0], 64)
    first[:] = 0
    assert legend(CLASSES, PALETTE, [0], 64).max() == 255


def test_with_legend_keeps_the_picture_on_top():
    labels = np.full((30, 64), 2, np.uint8)
    painted = np.random.default_rng(0).integers(0, 256, (30, 64, 3), np.uint8)
    shown = with_legend(painted, labels, CLASSES, PALETTE)
    assert np.array_equal(shown[:30], painted)
    assert (250, 170, 30) in colours(shown[30:])
    assert with_legend(painted, np.full((30, 64), 255), CLASSES, PALETTE).shape[0] > 30
