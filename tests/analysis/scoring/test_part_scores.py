"""Scores over parts of pictures, on counts done by hand."""

import numpy as np
import pytest
import torch

from mmfan.analysis.scoring.part_scores import MARKED, PartCountsMetric


def metric():
    made = PartCountsMetric(("visible", "hidden"))
    made.dataset_meta = {"classes": ("road", "car")}
    return made


def sample(prediction, truth, marked=None):
    made = {"pred_sem_seg": {"data": torch.tensor([prediction])}, "gt_sem_seg": {"data": torch.tensor([truth])}}
    return made if marked is None else {**made, MARKED: np.array(marked, bool)}


def test_counts_by_hand():
    judge = metric()
    # visible: road right twice, car right once; hidden: a car called road, and an ignored pixel
    judge.process(None, [sample([[0, 0, 1], [0, 1, 0]], [[0, 0, 1], [1, 255, 0]], [[0, 0, 0], [1, 1, 0]])])
    found = judge.scores(judge.results)
    assert found.metrics["mIoU_visible"] == 1.0
    assert found.metrics["mIoU_hidden"] == 0.0
    # road: 3 of 4 (one false positive), car: 1 of 2
    assert found.metrics["mIoU"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    np.testing.assert_array_equal(found.counts, [[[3, 1, 0], [1, 0, 1]]])


def test_without_marks_everything_is_visible():
    judge = metric()
    judge.process(None, [sample([[0, 1]], [[0, 0]])])
    found = judge.scores(judge.results).metrics
    assert found["mIoU_visible"] == found["mIoU"] == 0.25
    assert np.isnan(found["mIoU_hidden"])


def test_pictures_add_up():
    judge = metric()
    judge.process(None, [sample([[0, 1]], [[0, 0]], [[0, 1]]), sample([[1, 1]], [[1, 0]], [[1, 0]])])
    found = judge.scores(judge.results).metrics
    # visible: a road right, a road called car; hidden: a road called car, a car right
    assert found["mIoU_visible"] == pytest.approx((1 / 2 + 0) / 2)
    assert found["mIoU_hidden"] == pytest.approx((0 + 1 / 2) / 2)


def test_marks_of_another_size():
    with pytest.raises(ValueError, match=r"marks are \(1, 1\), the labels \(1, 2\)"):
        metric().process(None, [sample([[0, 1]], [[0, 0]], [[1]])])
