"""``Views``: the picture first, then its copies; labels are shared, so nothing may move."""

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from mmfan.datasets.augmentations import Views
from mmfan.errors import MMFanError


class Half:
    """Halves the picture; or does what a copy must not."""

    overlaps = frozenset({"brightness"})

    def __init__(self, what="img"):
        self.what = what

    def __call__(self, results):
        if self.what == "drop":
            return None
        if self.what == "label":
            return {**results, "gt_seg_map": results["gt_seg_map"].copy()}
        if self.what == "label in place":
            results["gt_seg_map"] += 1
        if self.what == "size":
            return {**results, "img": results["img"][:4]}
        return {**results, "img": results["img"] // 2}


class Unsaid:
    def __call__(self, results):
        return results


@pytest.fixture(autouse=True)
def _registered():
    TRANSFORMS.register_module(name="HalfForTest", module=Half, force=True)
    TRANSFORMS.register_module(name="UnsaidForTest", module=Unsaid, force=True)


def sample():
    rng = np.random.default_rng(0)
    return {"img": rng.integers(0, 256, (8, 6, 3), dtype=np.uint8), "gt_seg_map": np.zeros((8, 6), np.uint8)}


def test_the_picture_first_then_its_copies():
    before = sample()
    after = Views(steps=[{"type": "HalfForTest"}], views=4).transform(dict(before))
    assert after["img"].shape == (8, 6, 12)
    assert np.array_equal(after["img"][..., :3], before["img"])
    for at in (3, 6, 9):
        assert np.array_equal(after["img"][..., at : at + 3], before["img"] // 2)
    assert after["gt_seg_map"] is before["gt_seg_map"]


def test_a_share_of_the_pictures_gets_copies():
    step = Views(steps=[{"type": "HalfForTest"}], views=2, prob=0.25)
    channels = [step.transform(sample())["img"].shape[2] for _ in range(600)]
    assert set(channels) == {3, 6}
    assert np.mean(np.array(channels) == 6) == pytest.approx(0.25, abs=0.05)


def test_copies_are_drawn_apart():
    image = Views(steps=[{"type": "mmfan.AugMix", "severity": 10}], views=3).transform(sample())["img"]
    assert not np.array_equal(image[..., 3:6], image[..., 6:])


def test_overlaps_are_those_of_the_steps():
    assert Views(steps=[{"type": "HalfForTest"}, {"type": "mmfan.AugMix"}]).overlaps == {"brightness", "contrast"}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("label", "changed gt_seg_map, which all copies share"),
        ("label in place", "changed gt_seg_map, which all copies share"),
        ("size", "changed the size"),
        ("drop", "or dropped it"),
    ],
)
def test_what_a_copy_must_not_is_named(what, message):
    with pytest.raises(MMFanError, match=message):
        Views(steps=[{"type": "HalfForTest", "what": what}]).transform(sample())


def test_wrong_settings_are_named():
    with pytest.raises(MMFanError, match="none may be moved"):
        Views(steps=[{"type": "mmfan.AugMix", "geometry": True}])
    with pytest.raises(MMFanError, match="Nobody has said which corruptions Unsaid overlaps"):
        Views(steps=[{"type": "UnsaidForTest"}])
    with pytest.raises(MMFanError, match="`views` to be a whole number of at least 2"):
        Views(steps=[{"type": "HalfForTest"}], views=1)
    with pytest.raises(MMFanError, match="at most 8 views"):
        Views(steps=[{"type": "HalfForTest"}], views=9)
    for steps in ({"type": "HalfForTest"}, 5, [5], [{}], [], "mmfan.AugMix"):
        with pytest.raises(MMFanError, match="list of configs"):
            Views(steps=steps)
