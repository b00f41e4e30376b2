"""Counts per picture and their scores: by hand, by property, and against cityscapesScripts and mmsegmentation."""

import math

import numpy as np
import pytest
from helpers.pixel_counts import counts_of_picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmfan.datasets.cityscapes_labels import TRAIN_ID_OF
from mmfan.datasets.miniature.sets.cityscapes import draw_miniature
from mmfan.evaluation.metrics.counts import (
    check_counts,
    class_scores,
    image_level,
    score_of_sums,
    scores_of_counts,
)

TRUTH = np.array([[0, 0, 1, 1], [2, 2, 255, 255]])
FOUND = np.array([[0, 1, 1, 1], [2, 0, 0, 2]])


def test_one_picture_by_hand():
    # class 0: one found, one missed, one false (the ignored pixel does not count); class 3 occurs nowhere
    assert counts_of_picture(FOUND, TRUTH, 4).tolist() == [[1, 1, 1], [2, 1, 0], [1, 0, 1], [0, 0, 0]]


def test_the_scores_by_hand():
    scores = scores_of_counts(counts_of_picture(FOUND, TRUTH, 4)[None])
    assert scores.per_class["IoU"] == pytest.approx([1 / 3, 2 / 3, 1 / 2, math.nan], nan_ok=True)
    assert scores.per_class["Acc"] == pytest.approx([1 / 2, 1, 1 / 2, math.nan], nan_ok=True)
    assert scores.metrics == {"mIoU": 0.5, "mAcc": pytest.approx(2 / 3), "aAcc": pytest.approx(4 / 6)}


def test_a_class_that_is_only_predicted_counts_as_zero():
    counts = counts_of_picture(np.array([[0, 1]]), np.array([[0, 0]]), 2)[None]
    assert scores_of_counts(counts).metrics == {"mIoU": 0.25, "mAcc": 0.5, "aAcc": 0.5}


def test_a_pixel_of_which_the_model_says_nothing_is_missed():
    assert counts_of_picture(np.array([[255, 0]]), np.array([[0, 0]]), 1).tolist() == [[1, 0, 1]]
    assert counts_of_picture(np.array([[1, 0]]), np.array([[0, 0]]), 2, ignore_index=None).tolist() == [
        [1, 0, 1],
        [0, 1, 0],
    ]


def test_a_set_is_one_large_picture_and_not_a_mean():
    counts = np.array([[[1, 0, 1]], [[98, 0, 0]]])
    assert scores_of_counts(counts).metrics["mIoU"] == 99 / 100
    level = image_level(counts)
    assert level.mean == 0.75
    assert level.worst_decile == 0.5
    assert level.per_picture.tolist() == [0.5, 1.0]


def test_an_empty_set_has_no_scores():
    assert all(math.isnan(value) for value in scores_of_counts(np.zeros((0, 2, 3), int)).metrics.values())
    with pytest.raises(ValueError, match="No pixel of any class in 2 pictures"):
        image_level(np.zeros((2, 2, 3), int))


def test_the_worst_decile_is_rounded_up_and_pictures_without_a_class_are_left_out():
    hits = np.arange(12)
    counts = np.stack([hits, 11 - hits, np.zeros(12, int)], axis=1)[:, None, :]
    counts = np.concatenate([counts, np.zeros((1, 1, 3), int)])
    level = image_level(counts)
    assert level.worst_decile == pytest.approx((0 + 1 / 11) / 2)  # two of twelve
    assert level.mean == pytest.approx(0.5)
    assert level.left_out == 1
    assert math.isnan(level.per_picture[-1])
    assert level.to_dict() == {"mean": level.mean, "worst_decile": level.worst_decile, "left_out": 1}


def test_classes_present_in_the_truth_alone():
    counts = np.array([[[1, 0, 0], [0, 1, 0]]])  # the second class is claimed and not there
    assert image_level(counts).mean == 0.5
    assert image_level(counts, present="truth").mean == 1.0
    with pytest.raises(ValueError, match="'either' or 'truth'"):
        image_level(counts, present="prediction")


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), r"\(2, 3\) and \(3, 2\)"),
        (np.zeros((2, 2)), np.zeros((2, 2), int), "whole class numbers in the prediction, got float64"),
        (np.full((2, 2), 4), np.zeros((2, 2), int), "0 to 3 in the prediction .*got 4 to 4"),
        (np.zeros((2, 2), int), np.full((2, 2), -1), "0 to 3 in the truth .*got -1 to -1"),
    ],
)
def test_labels_that_do_not_fit(prediction, truth, message):
    with pytest.raises(ValueError, match=message):
        counts_of_picture(prediction, truth, 4)


@pytest.mark.parametrize(
    "counts", [np.zeros((2, 3), int), np.zeros((1, 2, 4), int), np.zeros((1, 2, 3)), -np.ones((1, 1, 3), int)]
)
def test_what_is_no_counts(counts):
    with pytest.raises(ValueError, match="Expected counts"):
        check_counts(counts)


def test_an_unknown_metric():
    with pytest.raises(ValueError, match="mIoU, mAcc, aAcc, not 'mDice'"):
        score_of_sums(np.zeros((2, 3)), "mDice")


labels = st.integers(1, 5).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        st.lists(st.lists(st.sampled_from([*range(classes), 255]), min_size=6, max_size=6), min_size=2, max_size=4),
        st.lists(st.lists(st.integers(0, classes - 1), min_size=6, max_size=6), min_size=4, max_size=4),
    )
)


@given(labels)
@pytest.mark.slow
def test_pictures_add_up_to_their_set(case):
    classes, truth, prediction = case[0], np.array(case[1]), np.array(case[2])[: len(case[1])]
    each = np.stack([counts_of_picture(p, t, classes) for p, t in zip(prediction, truth, strict=True)])
    whole = counts_of_picture(prediction, truth, classes)
    assert each.sum(0).tolist() == whole.tolist()
    for number in range(classes):
        counted = truth != 255
        assert whole[number].tolist() == [
            np.sum(counted & (truth == number) & (prediction == number)),
            np.sum(counted & (truth != number) & (prediction == number)),
            np.sum(counted & (truth == number) & (prediction != number)),
        ]
    scores = scores_of_counts(each)
    defined = [score for score in scores.per_class["IoU"] if not math.isnan(score)]
    assert scores.metrics["mIoU"] == pytest.approx(np.mean(defined) if defined else math.nan, nan_ok=True)
    assert all(0 <= score <= 1 for score in defined)
    if whole.any():
        assert image_level(whole[None]).mean == scores.metrics["mIoU"]  # of one picture, both levels are one
    assert np.array_equal(class_scores(np.stack([whole, whole]))["IoU"][1], scores.per_class["IoU"], equal_nan=True)


def pictures(classes, seed=0, count=3):
    """Label maps in blocks, and predictions that are partly wrong; the last class occurs nowhere."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        blocks = generator.integers(0, classes - 1, (6, 8)).astype(np.uint8)
        truth = blocks.repeat(8, 0).repeat(8, 1)
        wrong = generator.random(truth.shape) < 0.3
        prediction = np.where(wrong, generator.integers(0, classes - 1, truth.shape), truth).astype(np.uint8)
        truth[generator.random(truth.shape) < 0.1] = 255
        yield prediction, truth


def scenes(count=4):
    """Label maps of the miniature, and predictions that are shifted against them and miss one class."""
    for index in range(count):
        truth = TRAIN_ID_OF[draw_miniature(0, "val", index).label_ids]
        prediction = np.roll(truth, (3, -5), (0, 1))
        prediction[(prediction == 255) | (prediction == 18)] = 0
        yield prediction, truth


@pytest.mark.parametrize(
    ("source", "absent"), [(lambda: pictures(19), 18), (scenes, None)], ids=["blocks", "miniature"]
)
@pytest.mark.slow
def test_as_cityscapes_scripts(tmp_path, source, absent):
    """Its own evaluation of the pixels, from files, with the numbers of Cityscapes labels."""
    evaluation = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    from cityscapesscripts.helpers.labels import trainId2label

    number_of = np.zeros(256, np.uint8)
    for train_id in range(19):
        number_of[train_id] = trainId2label[train_id].id
    counts, files = [], []
    for index, (prediction, truth) in enumerate(source()):
        counts.append(counts_of_picture(prediction, truth, 19))
        names = [str(tmp_path / f"{index}_{what}.png") for what in ("prediction", "truth")]
        for name, picture in zip(names, (prediction, truth), strict=True):
            Image.fromarray(number_of[picture]).save(name)  # 255 becomes 0, "unlabeled", which is ignored
        files.append(names)
    arguments = evaluation.args
    arguments.evalInstLevelScore, arguments.JSONOutput, arguments.quiet = False, False, True
    theirs = evaluation.evaluateImgLists(*map(list, zip(*files, strict=True)), arguments)
    ours = scores_of_counts(np.stack(counts))
    assert ours.metrics["mIoU"] == pytest.approx(theirs["averageScoreClasses"], abs=1e-6)
    by_name = [theirs["classScores"][trainId2label[train_id].name] for train_id in range(19)]
    assert ours.per_class["IoU"] == pytest.approx(by_name, abs=1e-6, nan_ok=True)
    assert absent is None or math.isnan(by_name[absent])


def test_as_mmsegmentation():
    """Its IoUMetric, which prints percent with two digits."""
    metric_module = pytest.importorskip("mmseg.evaluation.metrics.iou_metric")
    torch = pytest.importorskip("torch")
    metric = metric_module.IoUMetric()
    metric.dataset_meta = {"classes": tuple("abcdefg")}
    samples, counts = [], []
    for prediction, truth in pictures(7, seed=1):
        counts.append(counts_of_picture(prediction, truth, 7))
        maps = {"pred_sem_seg": prediction, "gt_sem_seg": truth}
        samples.append({key: {"data": torch.from_numpy(value.astype(np.int64))} for key, value in maps.items()})
    metric.process({}, samples)
    theirs = metric.evaluate(len(samples))
    for name, score in scores_of_counts(np.stack(counts)).metrics.items():
        assert round(score * 100, 2) == pytest.approx(theirs[name], abs=1e-9)
