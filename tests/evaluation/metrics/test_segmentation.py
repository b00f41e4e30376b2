"""Pixel counts on the model's device, and the metric that stands in for IoUMetric."""

import numpy as np
import pytest
import torch
from helpers.pixel_counts import counts_of_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.evaluation.metrics.segmentation import SegCountsMetric, count_pixels


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(0, 12), st.integers(1, 12))
def test_counts_are_those_of_the_plain_function(seed, classes, height, width):
    rng = np.random.default_rng(seed)
    names = np.append(np.arange(classes), 255)
    truth, prediction = (rng.choice(names, (height, width)) for _ in range(2))
    found = count_pixels(torch.from_numpy(prediction), torch.from_numpy(truth), classes)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, counts_of_picture(prediction, truth, classes))


@pytest.mark.parametrize("wrong", ["255", 255.0, None, [255], True])
def test_the_ignored_number_is_a_whole_one(wrong):
    with pytest.raises(ValueError, match="Expected `ignore_index` to be a whole number"):
        SegCountsMetric(ignore_index=wrong)


def test_hand_worked():
    truth = torch.tensor([[0, 0, 1], [1, 2, 255]], dtype=torch.uint8)
    prediction = torch.tensor([[0, 1, 1], [1, 0, 2]])
    assert count_pixels(prediction.int(), truth.int(), 4).tolist() == count_pixels(prediction, truth, 4).tolist()
    assert truth.tolist() == [[0, 0, 1], [1, 2, 255]]  # the arguments stay as they are
    assert count_pixels(prediction, truth, 4).tolist() == [[1, 1, 1], [2, 1, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        ([[0, 1]], [[0], [1]], r"differ in size: \(1, 2\) and \(2, 1\)"),
        ([[0, 0]], [[0, 3]], "class numbers of the truth to be from 0 to 2 .*got 0 to 3"),
        ([[0, -1]], [[0, 0]], "of the prediction .*got -1 to 0"),
    ],
)
def test_wrong_numbers_are_refused(prediction, truth, message):
    with pytest.raises(ValueError, match=message):
        count_pixels(torch.tensor(prediction), torch.tensor(truth), 3)


def samples(seed=0, count=5, classes=6):
    generator = torch.Generator().manual_seed(seed)
    found = []
    for number in range(count):
        truth = torch.randint(0, classes - 1, (1, 40, 50), generator=generator)
        right = torch.rand(1, 40, 50, generator=generator) < 0.7
        prediction = torch.where(right, truth, torch.randint(0, classes - 1, (1, 40, 50), generator=generator))
        truth[:, :2] = 255
        found.append({"pred_sem_seg": {"data": prediction}, "gt_sem_seg": {"data": truth}, "img_path": f"{number}.png"})
    return found


def test_agrees_with_mmsegmentation_to_its_two_digits():
    pytest.importorskip("mmseg")
    from mmseg.evaluation import IoUMetric

    wanted = ["mIoU", "mDice", "mFscore"]
    ours, theirs = SegCountsMetric(iou_metrics=wanted), IoUMetric(iou_metrics=wanted)
    for metric in (ours, theirs):
        metric.dataset_meta = {"classes": tuple("abcdef")}  # f occurs nowhere
        for sample in samples():
            metric.process({}, [sample])
    found, expected = ours.evaluate(5), theirs.evaluate(5)
    assert {name: round(100 * value, 2) for name, value in found.items()} == pytest.approx(dict(expected), abs=1e-9)
    assert {"mDice", "mFscore", "mPrecision", "mRecall"} < set(found)
    assert found["mIoU"] != round(found["mIoU"], 4)


def test_scores_hold_classes_and_counts():
    metric = SegCountsMetric()
    metric.dataset_meta = {"classes": tuple("abcdef")}
    metric.process({}, samples(count=2))
    scores = metric.scores(metric.results)
    assert scores.counts.shape == (2, 6, 3)
    assert np.isnan(scores.per_class["IoU"]["f"])
    assert np.nanmean(list(scores.per_class["IoU"].values())) == pytest.approx(scores.metrics["mIoU"])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="among mIoU, mDice, mFscore, got"):
        SegCountsMetric(iou_metrics=["mBox"])
    with pytest.raises(TypeError, match="iou_metric"):
        SegCountsMetric(**{"iou_metric": "mIoU"})
    metric = SegCountsMetric()
    with pytest.raises(ValueError, match="needs the class names"):
        metric.process({}, samples())
    metric.dataset_meta = {"classes": ("a", "b")}
    with pytest.raises(ValueError, match=r"0.png: .*from 0 to 1"):
        metric.process({}, samples())
    with pytest.raises(ValueError, match=r"x.png has no gt_sem_seg"):
        metric.process({}, [{"pred_sem_seg": {"data": torch.zeros(1, 2, 2)}, "img_path": "x.png"}])
