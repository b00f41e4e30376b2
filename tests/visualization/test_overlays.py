"""Colours over pictures, by hand-worked pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.visualization import overlay, paint

PALETTE = [[255, 0, 0], [0, 200, 100]]


def test_paint_by_hand():
    painted = paint(np.array([[0, 1], [255, 2]]), PALETTE, ignored=(9, 9, 9))
    assert painted.tolist() == [[[255, 0, 0], [0, 200, 100]], [[9, 9, 9], [9, 9, 9]]]
    assert painted.dtype == np.uint8


def test_overlay_by_hand():
    picture = np.array([[[100, 50, 0], [10, 20, 30]]], np.uint8)
    labels = np.array([[1, 255]])
    # 0.75 * (100, 50, 0) + 0.25 * (0, 200, 100) = (75, 87.5, 25), rounded half to even; ignored pixels stay
    assert overlay(picture, labels, PALETTE, 0.25).tolist() == [[[75, 88, 25], [10, 20, 30]]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_ends_of_opacity(seed, height, width):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    before = picture.copy()
    labels = rng.integers(0, 2, (height, width), np.uint8)
    assert np.array_equal(overlay(picture, labels, PALETTE, 0), picture)
    assert np.array_equal(overlay(picture, labels, PALETTE, 1), paint(labels, PALETTE))
    assert np.array_equal(picture, before)


def test_errors_name_shape_and_range():
    picture, labels = np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"opacity from 0 to 1, got 1\.5"):
        overlay(picture, labels, PALETTE, 1.5)
    with pytest.raises(ValueError, match=r"got \(2, 3, 3\) uint8 for labels of \(3, 3\)"):
        overlay(picture, np.zeros((3, 3), np.uint8), PALETTE)
    with pytest.raises(ValueError, match=r"labels as \(H, W\) integers, got \(2, 3\) float64"):
        paint(np.zeros((2, 3)), PALETTE)
    with pytest.raises(ValueError, match="labels from 0 to 255, got -1 to 0"):
        paint(np.array([[0, -1]]), PALETTE)
    with pytest.raises(ValueError, match=r"1 to 256 RGB colours, got an array of shape \(0,\)"):
        paint(labels, [])
