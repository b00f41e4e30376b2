"""Calibration of a segmentor: known answers, torchmetrics' numbers, sums that add up in any order."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.calibration import (
    DOUBTS,
    LATTICE,
    ONE,
    TEMPERATURES,
    CalibrationSums,
    bin_of,
    doubt_of,
    fixed,
    sum_of,
    sums_of_boxes,
)
from mmfan.evaluation.metrics.calibration.confidence import sums_of_picture

GOLDEN = Path(__file__).parents[3] / "data" / "calibration_torchmetrics.npz"


def same(one, other):
    return all(np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))


def a_picture(rng, classes=4, height=9, width=13):
    logits = (2 * rng.standard_normal((classes, height, width))).astype(np.float32)
    truth = np.where(rng.random((height, width)) < 0.6, logits.argmax(0), rng.integers(0, classes, (height, width)))
    truth[rng.random((height, width)) < 0.1] = 255
    return logits, truth.astype(np.uint8)


def test_equal_to_torchmetrics():
    golden = np.load(GOLDEN)
    scores = sums_of_picture(golden["logits"].astype(np.float32), golden["truth"]).scores()
    for name in ("ECE", "classwise_ECE", "NLL", "Brier"):
        assert scores[name] == pytest.approx(float(golden[name]), abs=1e-6), name
    assert scores["AUROC"] == pytest.approx(float(golden["AUROC"]), abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.sampled_from(["logits", "probabilities"]))
def test_equal_to_a_plain_computation(seed, classes, form):
    logits, truth = a_picture(np.random.default_rng(seed), classes)
    shares = np.exp(logits.astype(np.float64))
    shares /= shares.sum(0)
    sums = sums_of_picture(logits if form == "logits" else shares, truth, form)
    there = truth != 255
    shares, wanted = shares[:, there], truth[there]
    best, right = shares.max(0), shares.argmax(0) == wanted

    def ece(confidence, hit):
        place = np.clip(np.ceil(confidence * 15) - 1, 0, 14)
        gaps = [abs(hit[place == at].sum() - confidence[place == at].sum()) for at in range(15)]
        return sum(gaps) / len(confidence)

    of_truth = shares[wanted, np.arange(len(wanted))]
    found = sums.scores()
    assert sums.count == there.sum()
    assert sums.accuracy == right.mean()
    assert sums.confidence == pytest.approx(best.mean(), abs=1e-6)
    assert found["ECE"] == pytest.approx(ece(best, right), abs=1e-6)
    each = [ece(shares[at], wanted == at) for at in range(classes) if (wanted == at).any()]
    assert found["classwise_ECE"] == pytest.approx(np.mean(each), abs=1e-6)
    assert found["NLL"] == pytest.approx(-np.log(of_truth).mean(), abs=1e-6)
    brier = ((shares - np.eye(classes)[wanted].T) ** 2).sum(0).mean()
    assert found["Brier"] == pytest.approx(brier, abs=1e-6)
    if right.any() and not right.all():
        pairs = np.sign(best[right][:, None] - best[~right][None]).mean() / 2 + 0.5
        assert abs(found["AUROC"] - pairs) <= sums.auroc_error + 1e-9
        passing = np.sort(best[right])[::-1][int(np.ceil(0.95 * right.sum())) - 1]
        assert found["FPR95"] >= (best[~right] >= passing).mean() - 1e-9


def certain(classes, truth):
    return np.eye(classes, dtype=np.float32)[truth].transpose(2, 0, 1)


def test_a_model_that_is_certain_and_right():
    truth = np.array([[0, 1], [2, 255]], np.uint8)
    scores = sums_of_picture(certain(3, np.minimum(truth, 2)), truth, "probabilities").scores()
    assert [scores[name] for name in ("ECE", "classwise_ECE", "NLL", "Brier")] == [0, 0, 0, 0]
    assert np.isnan(scores["AUROC"])  # nothing is wrong
    assert np.isnan(scores["FPR95"])


def test_a_model_that_is_certain_and_wrong_in_k_of_n():
    truth = np.zeros((4, 5), np.uint8)
    said = np.zeros((4, 5), int)
    said[0, :3] = 1
    sums = sums_of_picture(certain(2, said), truth, "probabilities")
    scores = sums.scores()
    assert scores["ECE"] == 3 / 20
    assert scores["Brier"] == 2 * 3 / 20
    assert scores["NLL"] == pytest.approx(3 / 20 * -np.log(1e-12), abs=1e-6)
    assert scores["AUROC"] == 0.5  # right and wrong are equally sure
    assert sums.auroc_error == 0.5


def test_seven_of_ten_right_at_seven_tenths():
    truth = np.array([[0] * 7 + [1] * 3], np.uint8)
    shares = np.array([0.7, 0.3], np.float32)[:, None, None].repeat(10, axis=2)
    assert sums_of_picture(shares, truth, "probabilities").scores()["ECE"] == pytest.approx(0, abs=1e-7)


def test_a_model_that_knows_nothing():
    scores = sums_of_picture(np.zeros((5, 3, 4), np.float32), np.zeros((3, 4), np.uint8)).scores()
    assert scores["NLL"] == pytest.approx(np.log(5), abs=1e-6)
    assert scores["Brier"] == pytest.approx(1 - 1 / 5, abs=1e-6)


def test_sure_where_right_and_unsure_where_wrong():
    truth = np.array([[0, 0, 0, 0]], np.uint8)
    first = np.array([[0.9, 0.8, 0.45, 0.3]], np.float32)
    scores = sums_of_picture(np.stack((first, 1 - first)), truth, "probabilities").scores()
    assert scores["AUROC"] == 1  # .9 and .8 before .7 and .55
    assert scores["FPR95"] == 0


@pytest.mark.parametrize(("probability", "place"), [(0.0, 0), (1 / 15, 0), (0.2, 2), (3 / 15 + 1e-6, 3), (1.0, 14)])
def test_bins_are_closed_at_the_right(probability, place):
    assert bin_of(fixed(np.float32(probability))) == place


def test_doubts_are_in_order_and_fine():
    parts = np.arange(ONE, -1, -37)
    steps = doubt_of(parts)
    assert steps[0] == 0
    assert (np.diff(steps) >= 0).all()
    assert doubt_of(np.array([0])) == DOUBTS - 1
    widest = [
        np.ptp((ONE - parts)[steps == step]) / max((ONE - parts)[steps == step].max(), 1) for step in steps[::999]
    ]
    assert max(widest) <= 1 / 256


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_parts_add_up_to_the_whole_in_any_order(seed):
    rng = np.random.default_rng(seed)
    pictures = [a_picture(rng) for _ in range(5)]
    sums = [sums_of_picture(*one) for one in pictures]
    whole = sum_of(sums, 4)
    assert same(whole, sum_of([sums[at] for at in rng.permutation(5)], 4))
    assert same(whole, sum_of(sums[:2], 4).plus(sum_of(sums[2:], 4)))
    beside = [np.concatenate(parts, axis=-1) for parts in zip(*pictures, strict=True)]
    once = sums_of_picture(*beside)
    assert same(once.plus(CalibrationSums.empty(4)), once)
    for part in ("nll", "brier", "bins", "classes", "doubts"):  # the lattice lies otherwise in the wide picture
        assert np.array_equal(getattr(once, part), getattr(whole, part)), part


def test_sums_do_not_depend_on_blocks():
    logits, truth = a_picture(np.random.default_rng(3), 3, 70, 91)
    halves = [sums_of_picture(logits[:, :36], truth[:36]), sums_of_picture(logits[:, 36:], truth[36:])]
    assert same(sum_of(halves, 3), sums_of_picture(logits, truth))  # 36 is a multiple of the lattice


def test_the_order_of_classes_changes_no_score():
    logits, truth = a_picture(np.random.default_rng(5))
    order = np.array([2, 0, 3, 1])
    other = np.where(truth == 255, 255, np.argsort(order)[np.minimum(truth, 3)]).astype(np.uint8)
    assert sums_of_picture(logits[order], other).scores() == pytest.approx(sums_of_picture(logits, truth).scores())


def test_a_picture_of_nothing_but_ignored_pixels_adds_nothing():
    logits, truth = a_picture(np.random.default_rng(1))
    assert same(sums_of_picture(logits, np.full_like(truth, 255)), CalibrationSums.empty(4))


@pytest.mark.parametrize("form", ["logits", "probabilities"])
def test_temperatures_are_those_of_plain_softmax(form):
    logits, truth = a_picture(np.random.default_rng(2), 3, 40, 40)
    shares = np.exp(logits.astype(np.float64))
    shares /= shares.sum(0)
    found = sums_of_picture(logits if form == "logits" else shares, truth, form).at_temperatures()
    some = (slice(None), slice(None, None, LATTICE), slice(None, None, LATTICE))
    for at in (0, 8, 15):
        cool = np.ascontiguousarray(logits[some] / np.float32(TEMPERATURES[at]))
        alone = sums_of_picture(cool, np.ascontiguousarray(truth[some[1:]])).scores()
        assert found["T"][at] == TEMPERATURES[at]
        assert found["NLL"][at] == pytest.approx(alone["NLL"], abs=2e-6)
        assert found["ECE"][at] == pytest.approx(alone["ECE"], abs=1e-5)


def test_the_best_temperature_of_logits_that_were_scaled_is_the_scale():
    rng = np.random.default_rng(0)
    logits = (2 * rng.standard_normal((4, 200, 200))).astype(np.float32)
    shares = np.exp(logits)
    shares /= shares.sum(0)
    truth = (rng.random((200, 200)) > shares.cumsum(0)).sum(0).clip(0, 3).astype(np.uint8)  # drawn as they say
    tried = sums_of_picture(2 * logits, truth).at_temperatures()
    assert tried["T"][int(np.argmin(tried["NLL"]))] == pytest.approx(2, rel=0.1)
    assert sums_of_picture(logits, truth).scores()["ECE"] < 0.01 < sums_of_picture(2 * logits, truth).scores()["ECE"]


def test_boxes():
    sums = sums_of_boxes(np.array([0.9, 0.9, 0.3, 0.3]), np.array([True, False, True, False]))
    assert sums.scores()["ECE"] == pytest.approx((abs(1 - 1.8) + abs(1 - 0.6)) / 4, abs=1e-6)
    assert set(sums.scores()) == {"ECE", "AUROC", "FPR95"}
    assert sums.count == 4
    assert sums.at_temperatures() == {}
    assert np.isnan(sums_of_boxes(np.zeros(0), np.zeros(0, bool)).scores()["ECE"])


def test_records_hold_plain_numbers():
    entry = sums_of_picture(*a_picture(np.random.default_rng(1))).to_record()
    assert entry["of"] == "pixels"
    assert sum(entry["reliability"]["count"]) == entry["count"]
    assert all(type(value) is int for row in entry["reliability"].values() for value in row)
    assert entry["scores"]["ECE"] == pytest.approx(
        sum(abs(c - r * ONE) for _, c, r in zip(*entry["reliability"].values(), strict=True)) / ONE / entry["count"]
    )


@pytest.mark.parametrize(
    ("scores", "truth", "form", "message"),
    [
        (np.zeros((1, 2, 2)), np.zeros((2, 2), int), "logits", "C of at least 2"),
        (np.zeros((3, 2, 2)), np.zeros((2, 3), int), "logits", "size of the truth"),
        (np.zeros((3, 2, 2)), np.full((2, 2), 3), "logits", "truth to be from 0 to 2"),
        (np.zeros((3, 2, 2)), np.zeros((2, 2), int), "probabilities", "adding up to 1 .*sums from 0 to 0"),
        (np.full((2, 1, 1), np.nan), np.zeros((1, 1), int), "logits", "not finite"),
        (np.array([2.0, -1.0])[:, None, None], np.zeros((1, 1), int), "probabilities", "-1 as the lowest"),
    ],
)
def test_what_is_no_confidence_is_refused(scores, truth, form, message):
    with pytest.raises(MMFanError, match=message):
        sums_of_picture(scores, truth, form)


def test_sums_of_other_classes_are_not_added():
    with pytest.raises(MMFanError, match="2 and of 3 classes"):
        CalibrationSums.empty(2).plus(CalibrationSums.empty(3))
