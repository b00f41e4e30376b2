"""``SwapTextures``: who gets whose texture, by hand; textures of a folder; what stays."""

import cv2
import numpy as np
import pytest

from mmfan.datasets.augmentations import SwapTextures
from mmfan.datasets.augmentations.overlaps import overlap_of
from mmfan.datasets.cues import mirrored
from mmfan.errors import MMFanError


def sample(dtype=np.uint8):
    """Two segments of 32 x 32 pixels, a strip that does not count."""
    rng = np.random.default_rng(0)
    labels = np.zeros((36, 64), np.uint8)
    labels[:, 32:], labels[32:] = 1, 255
    return {"img": rng.integers(0, 256, (36, 64, 3)).astype(dtype), "gt_seg_map": labels, "img_path": "a.png"}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_each_gets_the_texture_of_the_other(dtype):
    before = sample(dtype)["img"]
    results = SwapTextures(prob=1).transform(sample(dtype))
    assert results["img"].dtype == dtype
    assert np.array_equal(results["img"][:32, :32], before[:32, 32:])
    assert np.array_equal(results["img"][:32, 32:], before[:32, :32])
    assert np.array_equal(results["img"][32:], before[32:])
    assert np.array_equal(results["gt_seg_map"], sample()["gt_seg_map"])


def test_the_colour_can_stay():
    results = SwapTextures(prob=1, colour="keep").transform(sample(np.float32))
    for half in (slice(0, 32), slice(32, 64)):
        own, made = sample()["img"][:32, half], results["img"][:32, half]
        np.testing.assert_allclose(made.mean(axis=(0, 1)), own.mean(axis=(0, 1)), atol=3)  # cut at 0 and 255


def test_a_share_of_the_segments():
    np.random.seed(0)
    before = sample()["img"]
    changed = np.zeros(2)
    for _ in range(200):
        made = SwapTextures(prob=1, share=0.3).transform(sample())["img"]
        changed += [(made[:32, :32] != before[:32, :32]).any(), (made[:32, 32:] != before[:32, 32:]).any()]
    assert (abs(changed / 200 - 0.3) < 0.1).all()


def test_what_is_no_class_stays():
    """256 is no other name of class 0."""
    before = sample()["img"]
    labels = sample()["gt_seg_map"].astype(np.int64)
    for none in (255, 256, 300, -1):
        labels[:32, :16] = none
        made = SwapTextures(prob=1).transform({**sample(), "gt_seg_map": labels.copy()})["img"]
        assert np.array_equal(made[:32, :16], before[:32, :16])
        assert (made[:32, 16:32] != before[:32, 16:32]).any()


def test_one_class_alone_stays():
    results = {**sample(), "gt_seg_map": np.zeros((36, 64), np.uint8)}
    assert np.array_equal(SwapTextures(prob=1).transform(results)["img"], sample()["img"])


def test_textures_of_a_folder(tmp_path):
    painting = np.random.default_rng(3).integers(0, 256, (80, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "painting.png"), painting)
    np.random.seed(0)
    made = SwapTextures(prob=1, styles=str(tmp_path)).transform(sample())["img"]
    before = sample()["img"]
    assert np.array_equal(made[32:], before[32:])
    for left in (0, 32):
        tile = made[:20, left : left + 20]  # a quarter of the shorter side
        found = [(y, x) for y, x in np.ndindex(61, 71) if np.array_equal(painting[y : y + 20, x : x + 20], tile)]
        assert len(found) == 1
        assert np.array_equal(made[:32, left : left + 32], mirrored(tile, 32, 32))
    with pytest.raises(FileNotFoundError, match="no folder of donors"):
        SwapTextures(prob=1, styles=str(tmp_path / "none")).transform(sample())


@pytest.mark.parametrize(
    ("given", "message"),
    [({"colour": "red"}, "'donor' or 'keep'"), ({"area": 0}, "area"), ({"share": 2}, "share"), ({"prob": -1}, "prob")],
)
def test_arguments_are_checked(given, message):
    with pytest.raises(MMFanError, match=message):
        SwapTextures(**given)


def test_without_labels_it_says_where_it_belongs():
    with pytest.raises(MMFanError, match="place it after LoadAnnotations"):
        SwapTextures().transform({"img": sample()["img"], "img_path": "a.png"})


def test_its_overlap_is_with_the_test_of_shape_and_no_corruption():
    found = overlap_of([{"type": "mmfan.SwapTextures"}, {"type": "PhotoMetricDistortion"}])
    assert found.types == ("brightness", "contrast", "saturate", "texture_swap", "texture_swap_grey")
    assert found.by_step["SwapTextures"] == ("texture_swap", "texture_swap_grey")
