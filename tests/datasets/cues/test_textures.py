"""Textures of classes: boxes within masks, tiles laid out by mirror images."""

import numpy as np
import pytest

from mmfan.datasets.cues import largest_box, mirrored, textures_of


@pytest.mark.parametrize("box", [(0, 0, 9, 12), (2, 3, 4, 7), (5, 0, 1, 12), (0, 4, 9, 3), (8, 11, 1, 1)])
def test_the_box_of_a_rectangle_is_all_of_it(box):
    top, left, height, width = box
    mask = np.zeros((9, 12), bool)
    mask[top : top + height, left : left + width] = True
    assert largest_box(mask) == box


def test_the_box_lies_within_and_cannot_grow():
    rng = np.random.default_rng(1)
    for _ in range(20):
        mask = rng.random((20, 30)) < 0.9
        top, left, height, width = largest_box(mask)
        assert mask[top : top + height, left : left + width].all()
        for grown in ((top - 1, left, 1, width), (top + height, left, 1, width)):
            assert not (0 <= grown[0] < 20) or not mask[grown[0], left : left + width].all()
        for column in (left - 1, left + width):
            assert not (0 <= column < 30) or not mask[top : top + height, column].all()
        # at least as large as the largest square of an odd side, found the slow way
        sides = [
            side
            for side in (1, 3, 5, 7, 9)
            for y, x in np.ndindex(21 - side, 31 - side)
            if mask[y : y + side, x : x + side].all()
        ]
        assert height * width >= max(sides) ** 2


def test_the_wider_growth_is_taken():
    mask = np.zeros((12, 20), bool)
    mask[2:7, 5:] = True  # 5 rows of 15 columns,
    mask[2:9, 5:10] = True  # and two rows more of the first 5
    assert largest_box(mask) == (2, 5, 5, 15)
    assert largest_box(mask.T) == (5, 2, 15, 5)


def test_nothing_within():
    assert largest_box(np.zeros((4, 4), bool)) == (0, 0, 0, 0)


def test_textures_are_the_pixels_of_the_boxes_of_classes_that_are_wide_enough():
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 30:] = 3
    labels[:4] = 255
    labels[20:30, 5:12] = 7  # 10 x 7: too narrow for a side of 8
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    first, second = textures_of(picture, labels, least_side=8)
    assert (first.label, second.label) == (0, 3)
    assert np.array_equal(second.tile, picture[4:40, 30:60])
    assert np.array_equal(first.tile, picture[4:40, 12:30])
    assert [one.label for one in textures_of(picture, labels, least_side=7)] == [0, 3, 7]
    assert [one.label for one in textures_of(picture, labels, ignore_index=3, least_side=8)] == [0]


def test_tiles_are_mirrored():
    tile = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert mirrored(tile, 5, 4).tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [0, 1, 2, 2], [0, 1, 2, 2]]
    assert np.array_equal(mirrored(tile, 9, 11), np.pad(tile, ((0, 7), (0, 8)), mode="symmetric"))
