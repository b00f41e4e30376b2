"""``AugMix``: the mixture by hand, its draws, and geometry with the label."""

import numpy as np
import pytest
from mmcv.transforms import BaseTransform, RandomFlip
from mmengine.registry import TRANSFORMS, DefaultScope

from mmfan.datasets.augmentations import AugMix, RandomFilter, Views
from mmfan.datasets.augmentations.augmix import affine
from mmfan.datasets.augmentations.photometric import OPERATIONS
from mmfan.errors import MMFanError


def picture(height=48, width=64):
    rng = np.random.default_rng(3)
    return rng.integers(20, 200, (height, width, 3)).astype(np.uint8)


def test_the_mixture_by_hand(monkeypatch):
    """Two chains of one operation each, weights 0.25 and 0.75, blended by 0.4."""
    monkeypatch.setattr(np.random, "dirichlet", lambda alphas: np.array([0.25, 0.75]))
    monkeypatch.setattr(np.random, "beta", lambda a, b: 0.4)
    drawn = iter([0, 1])
    monkeypatch.setattr(np.random, "randint", lambda *limits: next(drawn))
    image = picture()
    step = AugMix(width=2, depth=1, ops=["solarize", "equalize"], severity=10)
    monkeypatch.setattr(step, "_level", lambda: 0.5)
    solarized, equal = OPERATIONS["solarize"](image, 0.5), OPERATIONS["equalize"](image, 0.5)
    expected = 0.6 * image + 0.4 * (0.25 * solarized + 0.75 * equal)
    result = step.transform({"img": image.copy()})["img"]
    assert result.dtype == np.uint8
    assert np.abs(result - expected).max() <= 0.5 + 1e-3


def test_mixing_before_normalising_is_mixing_after_it():
    image = picture()
    np.random.seed(5)
    mixed = AugMix().mixed(image)
    mean, std = np.array([100.0, 110, 120]), np.array([58.0, 57, 57])
    np.random.seed(5)
    weights, share = np.random.dirichlet([1.0] * 3), np.random.beta(1.0, 1.0)
    step = AugMix()
    chains = [step._chain(image) for _ in range(3)]
    normalised = [(one - mean) / std for one in (image, *chains)]
    expected = (1 - share) * normalised[0] + share * sum(
        w * one for w, one in zip(weights, normalised[1:], strict=True)
    )
    np.testing.assert_allclose((mixed - mean) / std, expected, atol=1e-4)


def test_the_same_draws_give_the_same_picture():
    results = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        results.append(AugMix(severity=3).transform({"img": picture()})["img"])
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_levels_and_depths():
    seen = []
    step = AugMix(severity=3)
    step.operations = [lambda image, level: seen.append(level) or image]
    lengths = []
    for _ in range(400):
        before = len(seen)
        step._chain(picture(4, 4))
        lengths.append(len(seen) - before)
    assert set(lengths) == {1, 2, 3}
    assert np.mean(lengths) == pytest.approx(2, abs=0.12)
    assert 0.01 <= min(seen) < 0.02
    assert 0.28 < max(seen) <= 0.3


def test_a_probability_of_zero_changes_nothing():
    image = picture()
    assert AugMix(prob=0).transform({"img": image})["img"] is image


def test_steps_of_others_as_operations():
    class Invert:
        overlaps = frozenset({"fog"})

        def transform(self, results):
            return {**results, "img": 255 - results["img"]}

    TRANSFORMS.register_module(name="InvertForTest", module=Invert, force=True)
    step = AugMix(width=1, depth=1, ops=[{"type": "InvertForTest"}])
    assert step.overlaps == {"fog"}
    image = picture()
    mixed = step.mixed(image)
    share = (mixed - image) / (255.0 - 2.0 * image)
    np.testing.assert_allclose(share, share.flat[0], atol=1e-4)


def test_geometry_moves_the_label_with_the_picture(monkeypatch):
    """A picture that shows its own label: after any move both still agree, and what came in is ignored."""
    labels = np.zeros((60, 80), np.uint8)
    labels[20:40, 30:60] = 1
    image = np.repeat((labels * 200)[..., None], 3, axis=2)
    step = AugMix(geometry=True, severity=10, ops=["posterize"], depth=1)
    monkeypatch.setattr(step, "mixed", lambda moved: moved.astype(np.float32))
    moved = set()
    for seed in range(20):
        np.random.seed(seed)
        results = step.transform({"img": image.copy(), "gt_seg_map": labels.copy(), "seg_fields": ["gt_seg_map"]})
        inside = results["gt_seg_map"] != 255
        agree = (results["img"][..., 0] > 100) == (results["gt_seg_map"] == 1)
        assert agree[inside].mean() > 0.97  # but for the edges, where one is blended and the other not
        assert set(np.unique(results["gt_seg_map"])) <= {0, 1, 255}
        moved.add(results["gt_seg_map"].tobytes())
    assert len(moved) == 20


def test_moves_by_hand():
    np.testing.assert_allclose(affine("translate_x", 1.0, (90, 60)), [[1, 0, 30], [0, 1, 0]])
    np.testing.assert_allclose(affine("translate_y", -0.5, (90, 60)), [[1, 0, 0], [0, 1, -10]])
    quarter = affine("rotate", 1.0, (61, 61))  # 30 degrees about (30, 30)
    np.testing.assert_allclose(quarter[:, :2], [[3**0.5 / 2, 0.5], [-0.5, 3**0.5 / 2]], atol=1e-6)
    np.testing.assert_allclose(quarter @ [30, 30, 1], [30, 30], atol=1e-6)
    sheared = affine("shear_x", 1.0, (61, 61))
    np.testing.assert_allclose(sheared @ [30, 30, 1], [30, 30], atol=1e-6)
    np.testing.assert_allclose(sheared @ [30, 40, 1], [33, 40], atol=1e-6)


def test_overlaps():
    assert AugMix().overlaps == {"contrast"}
    assert {"brightness", "contrast", "saturate", "gaussian_blur"} <= AugMix(all_ops=True).overlaps
    assert AugMix(ops=["posterize", "solarize"]).overlaps == set()
    assert AugMix(ops=["equalize"]).overlaps == {"contrast"}


class Tilts(BaseTransform):
    """Moves, and says so; what it overlaps is said too."""

    overlaps: frozenset = frozenset()
    moves = True

    def transform(self, results):
        return results


class OwnFlip(RandomFlip):
    overlaps: frozenset = frozenset()


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ({"type": "RandomFlip", "prob": 1.0}, "RandomFlip"),
        ({"type": "mmseg.Resize", "scale": (10, 10)}, "Resize"),
        ({"type": "LoadImageFromFile"}, "LoadImageFromFile"),
        ({"type": "RandomApply", "transforms": [{"type": "RandomFlip", "prob": 1.0}]}, "RandomFlip"),
        ({"type": "mmfan.AugMix", "geometry": True}, r"AugMix\(geometry=True\)"),
        ({"type": "TiltsForTest"}, "Tilts"),
        ({"type": "OwnFlipForTest", "prob": 1.0}, "OwnFlip"),
        ({"type": "mmdet.RandAugment"}, "Shear"),
        ({"type": "mmdet.AutoAugment"}, "Shear"),
    ],
)
def test_what_moves_is_no_operation(step, name):
    """Chains are mixed with the picture, and the labels stay."""
    scope = step["type"].partition(".")[0]
    if scope == "mmdet":
        pytest.importorskip("mmdet")
    for kind, made in (("TiltsForTest", Tilts), ("OwnFlipForTest", OwnFlip)):
        TRANSFORMS.register_module(name=kind, module=made, force=True)
    with DefaultScope.overwrite_default_scope("mmdet" if scope == "mmdet" else None):
        with pytest.raises(MMFanError, match=rf"^mmfan\.AugMix changes .* {name}.* would: put .* before mmfan\.AugMix"):
            AugMix(ops=["solarize", step])
        with pytest.raises(MMFanError, match=rf"^mmfan\.Views changes pictures whose labels stay, .* {name}"):
            Views(steps=[{"type": "mmfan.AugMix"}, step])


def test_what_a_nested_operation_overlaps_counts():
    nested = {"type": "RandomApply", "transforms": [{"type": "mmfan.RandomFilter"}]}
    assert AugMix(ops=[nested]).overlaps == RandomFilter.overlaps


def test_what_is_wrong_is_named():
    with pytest.raises(MMFanError, match=r"a name or a config of a transform, got {'prob': 1}"):
        AugMix(ops=[{"prob": 1}])
    with pytest.raises(MMFanError, match=r"no operation 'solarise'. Did you mean 'solarize'"):
        AugMix(ops=["solarise"])
    for ops in (5, "solarize", {"type": "mmfan.AugMix"}):
        with pytest.raises(MMFanError, match="`ops` to be a list of operations"):
            AugMix(ops=ops)
    with pytest.raises(MMFanError, match=r"a name or a config of a transform, got \['a'\]"):
        AugMix(ops=[["a"]])
    for name in ("geometry", "all_ops"):
        with pytest.raises(MMFanError, match=f"`{name}` to be True or False, got 'False'"):
            AugMix(**{name: "False"})
    with pytest.raises(MMFanError, match="not both"):
        AugMix(ops=["solarize"], all_ops=True)
    with pytest.raises(MMFanError, match=r"`severity` to be a number of 0\.1 to 10, got 11"):
        AugMix(severity=11)
    with pytest.raises(MMFanError, match="needs a colour picture"):
        AugMix().transform({"img": np.zeros((4, 4), np.uint8)})
    with pytest.raises(MMFanError, match="labels of pixels only, and this sample has gt_bboxes"):
        AugMix(geometry=True).transform({"img": picture(), "gt_bboxes": []})
