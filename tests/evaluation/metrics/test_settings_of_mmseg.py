"""Every legal setting of IoUMetric gives mmsegmentation's own scores on the same predictions, or is refused by name."""

from itertools import combinations

import numpy as np
import pytest
import torch

pytest.importorskip("mmseg")
from mmseg.evaluation import IoUMetric

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator

CLASSES = ("road", "car", "bike", "tram", "train")
KINDS = ("mIoU", "mDice", "mFscore")
COMBINATIONS = [list(some) for count in (1, 2, 3) for some in combinations(KINDS, count)]


def sample(prediction, truth):
    # as a Runner hands samples to metrics
    return {
        "pred_sem_seg": {"data": torch.as_tensor(prediction)[None]},
        "gt_sem_seg": {"data": torch.as_tensor(truth)[None]},
        "img_path": "a.png",
    }


def ordinary():
    """All classes but the last, most pixels right, some ignored."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, (40, 50))
    prediction = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, 4, truth.shape))
    truth[:3] = 255
    return [sample(prediction, truth), sample(prediction[::-1].copy(), truth)]


def never_predicted():
    """The third class is there and never found; the fourth is found where it is not."""
    truth = np.zeros((40, 40), np.int64)
    truth[:, :20], truth[:, 30:] = 1, 2
    prediction = truth.copy()
    prediction[prediction == 2] = 0
    prediction[0, :5] = 3
    return [sample(prediction, truth)]


def found_at_wrong_places_only():
    """The third class is there, and found elsewhere: precision and recall are both 0."""
    truth = np.zeros((20, 20), np.int64)
    truth[:10], truth[:, 15:] = 1, 2
    prediction = np.where(truth == 2, 1, truth)
    prediction[12, 3] = 2
    return [sample(prediction, truth)]


def nothing_to_say():
    """One picture is ignored as a whole."""
    return [*ordinary(), sample(np.ones((8, 8), np.int64), np.full((8, 8), 255))]


SETS = [ordinary, never_predicted, found_at_wrong_places_only, nothing_to_say]


def theirs_and_ours(samples, **settings):
    theirs = IoUMetric(**settings)
    theirs.dataset_meta = {"classes": CLASSES}
    theirs.process({}, samples)
    ours = RetentionEvaluator({"type": "IoUMetric", **settings})
    ours.dataset_meta = {"classes": CLASSES}
    for metric in ours.metrics:
        metric.process({}, samples)
    return theirs.compute_metrics(theirs.results), ours.cell_scores()


def assert_same(expected, scores):
    """Equal to the two digits of a percentage that mmsegmentation keeps; it adds up in single precision."""
    for name, percentage in expected.items():
        ours = 100 * scores.metrics[name]
        assert (np.isnan(percentage) and np.isnan(ours)) or abs(ours - percentage) < 0.0051, name


@pytest.mark.parametrize("make", SETS)
@pytest.mark.parametrize("wanted", [*COMBINATIONS, "mFscore"], ids=str)
def test_kinds_of_scores(make, wanted):
    expected, scores = theirs_and_ours(make(), iou_metrics=wanted)
    assert_same(expected, scores)


@pytest.mark.parametrize("make", SETS)
@pytest.mark.parametrize("ignored", [0, 1, 3, 4, 254, 255])
def test_a_number_that_is_ignored(make, ignored):
    samples = make()
    for one in samples:
        if ignored != 255:
            one["gt_sem_seg"]["data"][one["gt_sem_seg"]["data"] == 255] = ignored
    expected, scores = theirs_and_ours(samples, ignore_index=ignored, iou_metrics=list(KINDS))
    assert_same(expected, scores)


def test_an_ignored_class_that_is_claimed_counts_against_it():
    truth = np.array([[0, 0, 1, 1], [2, 2, 2, 2]])
    prediction = np.array([[1, 2, 1, 1], [0, 2, 2, 2]])
    _, scores = theirs_and_ours([sample(prediction, truth)], ignore_index=0)
    # one pixel of bike is called road, and road's own pixels say nothing
    assert scores.per_class["IoU"]["road"] == 0
    assert scores.per_class["IoU"]["car"] == 1
    assert scores.per_class["IoU"]["bike"] == 0.75
    assert scores.metrics["aAcc"] == 5 / 6


@pytest.mark.parametrize("make", SETS)
@pytest.mark.parametrize("beta", [0.5, 1, 2])
def test_the_weight_of_recall(make, beta):
    expected, scores = theirs_and_ours(make(), iou_metrics=["mFscore"], beta=beta)
    assert_same(expected, scores)


def test_an_f_score_of_nothing_found_is_undefined():
    _, scores = theirs_and_ours(found_at_wrong_places_only(), iou_metrics=["mDice", "mFscore"])
    assert np.isnan(scores.per_class["Fscore"]["bike"])
    assert scores.per_class["Precision"]["bike"] == scores.per_class["Recall"]["bike"] == 0
    assert scores.per_class["Dice"]["bike"] == 0  # in the mean of Dice it counts


def test_no_class_is_known_to_two_digits():
    expected, scores = theirs_and_ours(ordinary(), iou_metrics=["mIoU"], prefix="own")
    assert expected["mIoU"] == pytest.approx(100 * scores.metrics["own/mIoU"], abs=0.0051)


@pytest.mark.parametrize(
    "setting", [{"nan_to_num": 0}, {"nan_to_num": -1}, {"output_dir": "maps"}, {"format_only": True}]
)
def test_settings_that_change_the_scores_or_give_none_are_refused(setting):
    with pytest.raises(MMFanError, match=f"IoUMetric.*{next(iter(setting))}"):
        RetentionEvaluator({"type": "IoUMetric", **setting})


@pytest.mark.parametrize("setting", [{"beta": 0}, {"beta": "2"}, {"iou_metrics": ["mAP"]}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(MMFanError, match=next(iter(setting))):
        RetentionEvaluator({"type": "IoUMetric", **setting})


@pytest.mark.parametrize("kind", ["IoUMetric", "mmseg.IoUMetric", IoUMetric])
def test_the_metric_is_known_by_name_and_as_a_class(kind):
    assert [type(metric).__name__ for metric in RetentionEvaluator({"type": kind}).metrics] == ["SegCountsMetric"]


def test_a_metric_that_was_built_already_would_round():
    with pytest.raises(MMFanError, match="IoUMetric was built already, and rounds"):
        RetentionEvaluator(IoUMetric())
