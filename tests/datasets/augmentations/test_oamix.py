"""``OAMix``: boxes change apart from the background, under soft masks; nothing moves."""

import numpy as np
import pytest

from mmfan.datasets.augmentations import AugMix, OAMix, oamix
from mmfan.errors import MMFanError


def sample(boxes=((10, 10, 40, 40),)):
    rng = np.random.default_rng(0)
    image = rng.integers(90, 110, (64, 96, 3)).astype(np.uint8)
    image[10:40, 10:40] += 60
    return {"img": image, "gt_bboxes": np.array(boxes, np.float32).reshape(-1, 4)}


def test_boxes_take_operations_of_their_own(monkeypatch):
    """With everything mixed in: the background is halved, the box is not but turned dark."""
    monkeypatch.setattr(np.random, "beta", lambda a, b: 1.0)
    monkeypatch.setattr(oamix, "random_boxes", lambda shape: np.zeros((0, 4), np.intp))
    step = OAMix(width=1, depth=1, faint=0)
    calls = []

    def change(image):
        calls.append(image.shape)
        return image // 2 if image.shape[:2] == (64, 96) else np.zeros_like(image)

    monkeypatch.setattr(step, "_changed", change)
    before = np.full((64, 96, 3), 100, np.uint8)
    results = step.transform({**sample(), "img": before})
    assert len(calls) == 2
    assert calls[0] == (64, 96, 3)
    assert np.abs(results["img"][55:, 80:] - before[55:, 80:] // 2).max() <= 1
    assert results["img"][25, 25].max() <= 2
    edge = results["img"][25, 30:50].mean(axis=1)
    assert (np.diff(edge[3:]) > -2).all()  # from dark to halved, without a step
    assert edge[0] < 5 < edge[10] < edge[-1]


def test_faint_objects_keep_more(monkeypatch):
    monkeypatch.setattr(np.random, "beta", lambda a, b: 1.0)
    monkeypatch.setattr(oamix, "random_boxes", lambda shape: np.zeros((0, 4), np.intp))
    middles = []
    for faint in (0, 255):
        step = OAMix(width=1, depth=1, faint=faint)
        monkeypatch.setattr(step, "_changed", np.zeros_like)
        middles.append(step.transform(sample())["img"][25, 25].mean())
    before = sample()["img"][25, 25].mean()
    assert middles[0] < 0.02 * before
    assert middles[1] == pytest.approx(before / 2, rel=0.05)


def test_masks_are_one_inside_and_soft_at_the_edge():
    mask = oamix.soft_mask(np.array([20, 10, 60, 50]), (64, 96))
    assert mask[30, 40] > 0.97
    assert mask[30, 20] == pytest.approx(0.5, abs=0.07)
    assert mask[5, 90] < 1e-3


def test_random_boxes_are_of_their_size():
    boxes = np.concatenate([oamix.random_boxes((100, 200)) for _ in range(200)])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / 20000
    assert 3 <= len(boxes) / 200 <= 5
    assert areas.min() > 0.003
    assert areas.max() <= 0.1
    assert boxes.min() >= 0
    assert (boxes[:, 2].max() <= 200) & (boxes[:, 3].max() <= 100)


def test_what_stands_out_is_salient():
    image = np.random.default_rng(0).integers(90, 110, (64, 64, 3)).astype(np.uint8)
    image[30:34, 30:34] = 250
    found = oamix.saliency(image)
    assert found.shape == (64, 64)
    assert found[28:36, 28:36].mean() > 5 * found.mean()


def test_boxes_of_mmdetection_and_none_at_all():
    boxes = pytest.importorskip("mmdet.structures.bbox")
    results = {"gt_bboxes": boxes.HorizontalBoxes([[1.2, 2.7, 9.1, 200.0], [5, 5, 5, 5]])}
    assert oamix.boxes_of(results, (64, 96)).tolist() == [[1, 2, 10, 64]]
    empty = OAMix(prob=1).transform(sample(boxes=()))
    assert empty["img"].shape == (64, 96, 3)


def test_what_is_wrong_is_named():
    with pytest.raises(MMFanError, match="needs 'gt_bboxes'"):
        OAMix().transform({"img": sample()["img"]})
    with pytest.raises(MMFanError, match="moves nothing"):
        OAMix(geometry=True)
    assert OAMix().overlaps == AugMix().overlaps
