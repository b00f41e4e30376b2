"""Pixel counts on the model's device, and the metric that stands in for IoUMetric."""

import numpy as np
import pytest
import torch
from helpers.pixel_counts import counts_of_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.evaluation.metrics import segmentation
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


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(0, 12), st.integers(1, 12))
def test_the_histogram_that_does_not_wait_is_the_same(seed, size, height, width):
    keys = torch.from_numpy(np.random.default_rng(seed).integers(0, size, (height, width), dtype=np.int32))
    found = segmentation.histogram_behind(keys, size)
    assert found.dtype == torch.int64
    assert (
        found.tolist() == segmentation.histogram(keys, size).tolist() == np.bincount(keys.ravel(), None, size).tolist()
    )


def test_counts_of_a_device_that_runs_behind_are_read_once_and_are_the_same(monkeypatch):
    expected, found = SegCountsMetric(), SegCountsMetric()
    for metric in (expected, found):
        metric.dataset_meta = {"classes": tuple("abcdef")}
    expected.process({}, samples())
    monkeypatch.setattr(segmentation, "runs_behind", lambda device: True)  # as a GPU does
    for sample in samples():
        found.process({}, [sample])
    assert (len(found.results), len(found.waiting)) == (0, 5)
    found.settle()
    assert (len(found.results), len(found.waiting)) == (5, 0)
    np.testing.assert_array_equal(found.results, expected.results)
    assert all(counts.dtype == np.int64 for counts in found.results)
    for sample in samples():
        found.process({}, [sample])
    assert found.evaluate(10) == expected.scores([*expected.results] * 2).metrics


def test_wrong_numbers_on_a_device_that_runs_behind_are_told_with_their_picture(monkeypatch):
    monkeypatch.setattr(segmentation, "runs_behind", lambda device: True)
    metric = SegCountsMetric()
    metric.dataset_meta = {"classes": tuple("abcdef")}
    wrong = samples()
    wrong[3]["pred_sem_seg"]["data"][0, 0, 0] = -4
    metric.process({}, wrong)
    with pytest.raises(ValueError, match=r"^3.png: Expected the class numbers of the prediction .*got -4 to"):
        metric.settle()
    with pytest.raises(ValueError, match=r"of the truth to be from 0 to 2 .*got 0 to 3"):
        count_pixels(torch.tensor([[0, 0]]), torch.tensor([[0, 3]]), 3)


def test_labels_of_bytes_count_the_same():
    whole, narrow = samples(), samples()
    for sample in narrow:
        sample["gt_sem_seg"]["data"] = sample["gt_sem_seg"]["data"].to(torch.uint8)
    metrics = SegCountsMetric(), SegCountsMetric()
    for metric, form in zip(metrics, (whole, narrow), strict=True):
        metric.dataset_meta = {"classes": tuple("abcdef")}
        metric.process({}, form)
    np.testing.assert_array_equal(metrics[0].results, metrics[1].results)
