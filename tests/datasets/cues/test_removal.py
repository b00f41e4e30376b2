"""Cues removed: by hand, and what must stay."""

import cv2
import numpy as np
import pytest

from mmfan.datasets.cues import (
    colour_only,
    grey_edges,
    number_segments,
    remove_shape,
    remove_texture,
    smooth_texture,
)


def street(height=70, width=101):
    labels = np.zeros((height, width), np.uint8)
    labels[height // 2 :] = 1
    labels[20:60, 30:71] = 2
    labels[:3] = 255
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8), labels


def test_without_texture_each_segment_is_its_mean():
    labels = np.array([[0, 0, 1], [255, 1, 0]], np.uint8)
    picture = np.array([[[0, 10, 1], [1, 20, 2], [9, 9, 9]], [[7, 7, 7], [11, 9, 9], [200, 100, 50]]], np.uint8)
    # corners hang together: the two pixels of class 1 are one segment, the last pixel of class 0 hangs on the second
    found = remove_texture(picture, labels)
    assert found.tolist() == [
        [[67, 43, 18], [67, 43, 18], [10, 9, 9]],
        [[7, 7, 7], [10, 9, 9], [67, 43, 18]],
    ]


def test_without_texture_nothing_changes_a_second_time():
    picture, labels = street()
    once = remove_texture(picture, labels)
    assert np.array_equal(remove_texture(once, labels), once)
    assert len(np.unique(once.reshape(-1, 3), axis=0)) == len(number_segments(labels)[1])


def test_without_shape_each_segment_keeps_its_pixels_exactly():
    picture, labels = street()
    found = remove_shape(picture, labels, seed=4)
    numbers, segments = number_segments(labels)
    codes = [(one.astype(np.int64) @ [65536, 256, 1]) for one in (picture, found)]
    for segment in segments:
        before, after = (np.sort(code[numbers == segment.number]) for code in codes)
        assert np.array_equal(before, after)
    assert (codes[0] != codes[1]).mean() > 0.6
    assert np.array_equal(found, remove_shape(picture, labels, seed=4))
    assert not np.array_equal(found, remove_shape(picture, labels, seed=5))


def test_blocks_stay_whole_and_change_places():
    labels = np.zeros((64, 97), np.uint8)
    picture = np.zeros((64, 97, 3), np.uint8)
    picture[:64, :96] = (np.arange(6).reshape(2, 3) + 1).repeat(32, 0).repeat(32, 1)[..., None]
    found = remove_shape(picture, labels, seed=1)
    blocks = found[:64, :96, 0].reshape(2, 32, 3, 32).swapaxes(1, 2).reshape(6, -1)
    assert (blocks == blocks[:, :1]).all()
    assert sorted(blocks[:, 0]) == [1, 2, 3, 4, 5, 6]
    assert blocks[:, 0].tolist() != [1, 2, 3, 4, 5, 6]
    assert (found[:, 96] == 0).all()  # a strip of one column holds no block
    orders = {tuple(remove_shape(picture, labels, seed)[::32, :96:32, 0].ravel()) for seed in range(40)}
    assert len(orders) > 30


def test_what_holds_one_block_alone_is_shuffled_by_smaller_ones():
    labels = np.zeros((32, 32), np.uint8)
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:] = (np.arange(4).reshape(2, 2) + 1).repeat(16, 0).repeat(16, 1)[..., None]
    found = remove_shape(picture, labels, seed=2)
    assert sorted(found[::16, ::16, 0].ravel()) == [1, 2, 3, 4]
    assert {tuple(remove_shape(picture, labels, seed)[::16, ::16, 0].ravel()) for seed in range(9)} != {(1, 2, 3, 4)}


def test_pictures_smaller_than_a_block():
    picture, labels = np.zeros((3, 3, 3), np.uint8), np.zeros((3, 3), np.uint8)
    assert np.array_equal(remove_shape(picture, labels, 0), picture)


def test_edges_are_the_steepness_of_the_grey_picture():
    picture = np.zeros((9, 9, 3), np.uint8)
    picture[:, 5:] = 255
    found = grey_edges(picture)
    assert found.shape == (9, 9, 3)
    assert found[4, :, 0].tolist() == [0, 0, 0, 0, 255, 255, 0, 0, 0]
    slope = np.repeat(np.arange(0, 180, 20, dtype=np.uint8)[:, None], 9, axis=1)[..., None].repeat(3, axis=2)
    assert (grey_edges(slope)[2:-2] == 40).all()  # 20 a row, over two rows
    assert not grey_edges(np.full((5, 5, 3), 77, np.uint8)).any()
    red = np.zeros((9, 9, 3), np.uint8)
    red[:, 5:, 0] = 255
    assert grey_edges(red)[4, 4, 0] == 76  # red is 0.299 of grey


def test_colours_alone_keep_the_mean_and_lose_the_rest():
    picture, _ = street()
    found = colour_only(picture)
    assert np.abs(found.astype(float).mean(axis=(0, 1)) - picture.mean(axis=(0, 1))).max() < 4
    assert found.std() < 0.1 * picture.std()
    assert np.array_equal(found, cv2.GaussianBlur(picture, (0, 0), 16))
    assert colour_only(picture, 2.0).std() > found.std()


def test_smoothing_keeps_edges():
    rng = np.random.default_rng(0)
    picture = np.full((40, 40, 3), 60, np.uint8)
    picture[:, 20:] = 190
    noisy = (picture + rng.integers(-12, 13, picture.shape)).astype(np.uint8)
    found = smooth_texture(noisy)
    assert np.abs(found.astype(int) - picture).mean() < 0.35 * np.abs(noisy.astype(int) - picture).mean()
    assert found[:, 21].mean() - found[:, 18].mean() > 120


@pytest.mark.parametrize("remove", [remove_texture, lambda picture, labels: remove_shape(picture, labels, 0)])
def test_pairs_are_checked(remove):
    with pytest.raises(ValueError, match="label map"):
        remove(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8))
