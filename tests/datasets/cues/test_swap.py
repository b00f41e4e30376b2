"""Swapped textures: who gets what, by hand; the context; what never changes."""

import numpy as np
import pytest

from mmfan.datasets.cues import KEPT, Texture, number_segments, swap_textures, textures_of
from mmfan.errors import MMFanError


def plain(label, value):
    return Texture(label, np.full((2, 2, 3), value, np.uint8))


@pytest.fixture
def pair():
    labels = np.zeros((6, 8), np.uint8)
    labels[:, 4:] = 1
    labels[0, 0] = 255
    labels[5, 7] = 2  # one pixel, smaller than any area asked for
    picture = np.random.default_rng(3).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return picture, labels


def test_each_segment_gets_the_texture_of_another_class(pair):
    picture, labels = pair
    before = picture.copy()
    found = swap_textures(picture, labels, [[plain(0, 10), plain(1, 20)]], seed=5, area=4)
    # of the donor's two classes each segment can only take the other one
    expected, textures = picture.copy(), np.full((6, 8), KEPT, np.uint8)
    expected[labels == 0], textures[labels == 0] = 20, 1
    expected[labels == 1], textures[labels == 1] = 10, 0
    assert np.array_equal(found.picture, expected)
    assert np.array_equal(found.textures, textures)
    assert np.array_equal(picture, before)


def test_small_segments_stay_unless_they_are_asked_for(pair):
    picture, labels = pair
    assert (swap_textures(picture, labels, [[plain(9, 1)]], 0, area=24).textures == KEPT).all()
    assert (swap_textures(picture, labels, [[plain(9, 1)]], 0, area=23).textures == 9).sum() == 23 + 23
    assert (swap_textures(picture, labels, [[plain(9, 1)]], 0, area=1).textures == 9).sum() == 47  # all but the ignored


def test_the_tile_begins_at_the_corner_of_the_box():
    labels = np.zeros((5, 6), np.uint8)
    labels[1:4, 2:6] = 1
    tile = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2)
    found = swap_textures(np.zeros((5, 6, 3), np.uint8), labels, [[Texture(4, tile)]], 0, area=12)
    assert found.picture[1:4, 2:6, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5]]
    assert (found.textures[1:4, 2:6] == 4).all()


def test_a_second_donor_is_asked_where_the_first_has_no_other_class(pair):
    picture, labels = pair
    asked = []

    def donors():
        for number, textures in enumerate(([plain(0, 10)], [plain(0, 30), plain(2, 40)], [plain(3, 50)])):
            asked.append(number)
            yield textures

    found = swap_textures(picture, labels, donors(), 0, area=4)
    assert set(found.textures[labels == 0]) == {2}
    assert set(found.textures[labels == 1]) == {0}
    assert (found.picture[labels == 1] == 10).all()
    assert asked == [0, 1]
    none = swap_textures(picture, labels, [[plain(0, 10)]], 0, area=4)
    assert set(none.textures[labels == 0]) == {KEPT}
    assert np.array_equal(none.picture[labels == 0], picture[labels == 0])


def test_the_colour_of_the_segment_can_be_kept(pair):
    picture, labels = np.full((6, 8, 3), 100, np.uint8), pair[1]
    tile = np.array([[50, 60], [70, 80]], np.uint8)[..., None].repeat(3, axis=2)  # a mean of 65
    found = swap_textures(picture, labels, [[Texture(9, tile)]], 0, area=4, colour="keep")
    assert found.picture[2:4, 1:3, 0].tolist() == [[115, 115], [95, 95]]  # of the tile laid out from (0, 0)
    bright = swap_textures(np.full((6, 8, 3), 250, np.uint8), labels, [[Texture(9, tile)]], 0, area=4, colour="keep")
    assert bright.picture.max() == 255


def test_a_grey_context_is_the_mean_colour(pair):
    picture, labels = pair
    kept = swap_textures(picture, labels, [[plain(9, 7)]], 3, area=4)
    grey = swap_textures(picture, labels, [[plain(9, 7)]], 3, area=4, context="grey")
    assert np.array_equal(grey.textures, kept.textures)
    outside = grey.textures == KEPT
    assert outside.sum() == 2  # the ignored pixel, and the small segment
    assert (grey.picture[outside] == np.rint(picture.reshape(-1, 3).mean(axis=0))).all()
    assert np.array_equal(grey.picture[~outside], kept.picture[~outside])
    assert np.array_equal(kept.picture[outside], picture[outside])


def test_ignored_pixels_are_never_swapped_whatever_their_number(pair):
    picture, labels = pair
    found = swap_textures(picture, labels, [[plain(9, 7)]], 0, area=1, ignore_index=1)
    assert (found.textures[labels == 1] == KEPT).all()
    assert (found.textures[labels == 255] == 9).all()


def test_the_seed_decides_and_every_class_has_its_turn():
    labels = (np.arange(64) // 8).astype(np.uint8).reshape(8, 8).repeat(8, 0).repeat(8, 1)  # 8 bands of 8 x 64
    picture = np.zeros((64, 64, 3), np.uint8)
    donor = [plain(label, label) for label in range(10)]
    first, again, other = (swap_textures(picture, labels, [donor], seed, area=64).textures for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    taken = [swap_textures(picture, labels, [donor], seed, area=64).textures[0, 0] for seed in range(200)]
    assert set(taken) == set(range(1, 10))  # all but the segment's own
    assert min(np.bincount(taken)[1:]) > 8  # of 22 expected


def test_with_its_own_texture_a_segment_stays_but_for_the_tiling():
    # the texture of a class of one pattern, given to segments of that pattern: nothing can be told apart
    tile = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    pattern = np.pad(tile, ((0, 44), (0, 44), (0, 0)), mode="symmetric")
    labels = np.zeros((48, 48), np.uint8)
    (texture,) = textures_of(pattern, labels)
    found = swap_textures(pattern, labels, [[Texture(1, texture.tile)]], 0)
    assert np.array_equal(found.picture, pattern)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"colour": "red"}, "`colour` to be 'donor' or 'keep', got 'red'"),
        ({"context": "blue"}, "`context` to be 'keep'"),
    ],
)
def test_arguments_are_checked(pair, more, message):
    with pytest.raises(MMFanError, match=message):
        swap_textures(pair[0], pair[1], [], 0, **more)


def test_pairs_are_checked(pair):
    picture, labels = pair
    with pytest.raises(MMFanError, match=r"both of uint8, got uint8 \(6, 8, 3\) and uint8 \(6, 7\)"):
        swap_textures(picture, labels[:, :7], [], 0)
    with pytest.raises(MMFanError, match=r"got int64 \(6, 8, 3\)"):
        swap_textures(picture.astype(np.int64), labels, [], 0)


def test_numbers_of_segments_are_not_those_of_classes(pair):
    assert number_segments(pair[1])[0].max() == 4
