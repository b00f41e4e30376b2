"""mmfan.PatchDrop: exact counts, seeds by name, colours, saliency from labels."""

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from mmfan.datasets.transforms.patch_drop import PatchDrop


def sample(path="a/b/one.png", shape=(64, 96)):
    return {"img": np.full((*shape, 3), 200, np.uint8), "img_path": path}


def test_exactly_the_share_is_black():
    out = TRANSFORMS.build({"type": "mmfan.PatchDrop", "ratio": 0.5}).transform(sample())
    assert out["hidden"].sum() == 12 * 256  # 12 of 24 cells
    assert (out["img"][out["hidden"]] == 0).all()
    assert (out["img"][~out["hidden"]] == 200).all()


def test_the_name_decides_and_nothing_else():
    step = PatchDrop(0.5)
    first = step.transform(sample())["hidden"]
    step.transform(sample("a/b/two.png"))
    np.testing.assert_array_equal(step.transform(sample())["hidden"], first)
    np.testing.assert_array_equal(PatchDrop(0.5).transform(sample("elsewhere/one.png"))["hidden"], first)
    assert (step.transform(sample("a/b/two.png"))["hidden"] != first).any()
    assert (PatchDrop(0.5, seed=1).transform(sample())["hidden"] != first).any()


def test_nothing_and_everything():
    picture = sample()["img"]
    np.testing.assert_array_equal(PatchDrop(0.0).transform(sample())["img"], picture)
    assert (PatchDrop(1.0).transform(sample())["img"] == 0).all()


def test_pixels_grid_and_offset():
    assert PatchDrop(0.25, mode="pixel").transform(sample())["hidden"].sum() == 64 * 96 // 4
    assert PatchDrop(0.5, grid=(2, 2)).transform(sample())["hidden"].sum() == 64 * 96 // 2
    assert not PatchDrop(1.0, offset=8).transform(sample())["hidden"][:8].any()


def test_mean_colour_is_bgr():
    assert PatchDrop(1.0, fill="mean").transform(sample())["img"][0, 0].tolist() == [104, 116, 124]
    grey = {**sample(), "img": np.full((64, 96), 9, np.uint8)}
    assert PatchDrop(1.0, fill="mean").transform(grey)["img"][0, 0] == 115


def test_the_picture_given_is_not_changed():
    given = sample()
    picture = given["img"]
    PatchDrop(1.0).transform(given)
    assert (picture == 200).all()


def test_salient_and_background_are_told_by_the_labels():
    labels = np.zeros((64, 96), np.uint8)
    labels[:16, :32] = 13  # two whole cells of cars
    labels[16:32, :8] = 13  # half a cell
    whole = PatchDrop(1.0, mode="salient").transform({**sample(), "gt_seg_map": labels})["hidden"]
    assert whole.sum() == 3 * 256
    assert whole[:16, :32].all()
    assert whole[16:32, :16].all()
    # 0.8 of the mass of 2.5 cells are the two full ones
    assert PatchDrop(0.8, mode="salient").transform({**sample(), "gt_seg_map": labels})["hidden"].sum() == 2 * 256
    behind = PatchDrop(1.0, mode="background").transform({**sample(), "gt_seg_map": labels})["hidden"]
    assert behind.sum() == 22 * 256
    assert not behind[:16, :32].any()
    other = PatchDrop(1.0, mode="salient", salient_classes=[7]).transform({**sample(), "gt_seg_map": labels})["hidden"]
    assert not other.any()


def test_fresh_draws_without_a_seed():
    np.random.seed(3)
    step = PatchDrop(0.5, seed=None)
    found = [step.transform({"img": sample()["img"]})["hidden"] for _ in range(2)]
    assert (found[0] != found[1]).any()
    np.random.seed(3)
    np.testing.assert_array_equal(step.transform({"img": sample()["img"]})["hidden"], found[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ratio": 1.5}, "`ratio` to be 0 to 1, got 1.5"),
        ({"ratio": 0.5, "mode": "centre"}, "random, salient, background, pixel, got 'centre'"),
        ({"ratio": 0.5, "fill": "white"}, "'black' or 'mean'"),
        ({"ratio": 0.5, "patch": 0}, "`patch` to be a whole number"),
        ({"ratio": 0.5, "grid": (2, 2), "offset": 3}, "`offset` goes with `patch`"),
        ({"ratio": 0.5, "seed": -1}, "`seed`"),
    ],
)
def test_bad_arguments(settings, message):
    with pytest.raises(ValueError, match=message):
        PatchDrop(**settings)


def test_what_a_sample_lacks():
    with pytest.raises(ValueError, match="found no 'img'"):
        PatchDrop(0.5).transform({"img_path": "x.png"})
    with pytest.raises(ValueError, match="`img_path`, which this sample lacks"):
        PatchDrop(0.5).transform({"img": sample()["img"]})
    with pytest.raises(ValueError, match=r"needs the labels of the picture, \(64, 96\) \(H, W\), got none"):
        PatchDrop(0.5, mode="salient").transform(sample())
