"""Means over the classes that the truth holds: by hand, from counts, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.summary.classes import summarize_classes
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.summary import summarize
from mmfan.evaluation.summary.truth import Classes, classes_of, values_of
from mmfan.evaluation.summary.uncertainty.intervals import bootstrap, summarize_pictures

FOG = Cell("fog", 1)
PROTOCOL = Protocol("one", (FOG,))
NAMES = ("road", "car", "train")


def plain(table):
    return {name: (None if np.isnan(value) else float(value)) for name, value in zip(NAMES, table, strict=True)}


def record(cell, counts, **others):
    """The record of a cell, from counts (pictures, classes, 3)."""
    scores = scores_of_counts(counts)
    base = {"model": "m", "dataset": "d", "corruption": cell[0], "severity": cell[1], "metrics": scores.metrics}
    return {**base, "per_class": {name: plain(table) for name, table in scores.per_class.items()}, **others}


# true positives, false positives, false negatives of road, car and train; no label holds a train
EXACT = [[[10_000, 0, 0], [10_000, 0, 0], [0, 0, 0]]]
ONE_PIXEL = [[[9_999, 0, 1], [10_000, 0, 0], [0, 1, 0]]]


def test_a_class_that_no_label_holds_changes_no_retention():
    records = [record(CLEAN, EXACT), record(FOG, ONE_PIXEL)]
    # mmsegmentation's number stays in the record: the mean of 0.9999, 1 and 0
    assert records[1]["metrics"]["mIoU"] == pytest.approx(1.9999 / 3)
    summary = summarize(records, PROTOCOL)
    assert summary.clean == 1
    assert summary.corrupted == pytest.approx(1.9999 / 2)
    assert summary.retention == pytest.approx(0.99995)
    assert summary.classes == Classes(("road", "car"), 3)
    assert summary.label == "one, 1 cell, 2 of 3 classes"
    assert summary.to_dict()["classes"] == {"in_truth": 2, "in_all": 3}


def test_it_has_no_score_of_its_own():
    scores = summarize_classes([record(CLEAN, ONE_PIXEL), record(FOG, ONE_PIXEL)], PROTOCOL)
    assert scores["train"] == (None, None, None)
    assert scores["road"].clean == pytest.approx(0.9999)


def test_where_the_truth_holds_all_classes_the_record_s_number_is_taken_to_the_digit():
    whole = [[[7, 1, 2], [3, 3, 1], [1, 5, 9]]]
    records = [record(CLEAN, whole), record(FOG, whole)]
    records[1]["metrics"]["mIoU"] = 0.3000000001
    summary = summarize(records, PROTOCOL)
    assert (summary.clean, summary.corrupted) == (records[0]["metrics"]["mIoU"], 0.3000000001)
    assert summary.label == "one, 1 cell"


@settings(max_examples=50)
@given(st.lists(st.tuples(*[st.integers(0, 50)] * 9), min_size=2, max_size=4))
def test_it_is_the_mean_over_the_classes_of_the_truth(rows):
    clean = np.array(rows, np.int64).reshape(-1, 3, 3)
    in_truth = (clean[..., 0] + clean[..., 2]).sum(0) > 0
    if not in_truth.any():
        return
    sums = clean.sum(0)[in_truth]
    expected = np.mean(sums[:, 0] / sums.sum(1))
    values, classes = values_of({CLEAN: record(CLEAN, clean)}, "mIoU")
    assert values[CLEAN] == pytest.approx(expected)
    assert classes.held == tuple(np.array(NAMES)[in_truth])


def test_intervals_and_single_pictures_are_over_the_same_classes():
    counts = {CLEAN: np.array(EXACT * 3), FOG: np.array(ONE_PIXEL * 3)}
    intervals = bootstrap(counts, PROTOCOL, resamples=20)
    assert intervals.retention == pytest.approx((0.99995, 0.99995))
    assert summarize_pictures(counts, PROTOCOL).retention == pytest.approx(0.99995)
    assert summarize_pictures(counts, PROTOCOL, "either").retention == pytest.approx(1.9999 / 3)


def test_what_is_nowhere_found_counts_as_nothing_of_an_f_score():
    tables = {"Recall": {"road": 1.0, "car": 0.0, "train": None}, "Fscore": {"road": 0.8, "car": None, "train": None}}
    one = {"model": "m", "dataset": "d", "corruption": "clean", "severity": 0, "metrics": {"mFscore": 0.8}}
    values, classes = values_of({CLEAN: {**one, "per_class": tables}}, "mFscore")
    assert values == {CLEAN: 0.4}
    assert str(classes) == "2 of 3 classes"


def test_names_with_a_prefix():
    one = record(CLEAN, ONE_PIXEL)
    one["metrics"] = {f"own/{name}": value for name, value in one["metrics"].items()}
    one["per_class"] = {f"own/{name}": table for name, table in one["per_class"].items()}
    values, classes = values_of({CLEAN: one}, "own/mIoU")
    assert values[CLEAN] == pytest.approx(1.9999 / 2)
    assert classes.named == 3


def test_records_that_say_nothing_of_classes_are_taken_as_they_are():
    one = {"model": "m", "dataset": "d", "corruption": "clean", "severity": 0, "metrics": {"mIoU": 1, "bbox_mAP": 0.5}}
    values, classes = values_of({CLEAN: one}, "mIoU")
    assert (values, type(values[CLEAN]), classes) == ({CLEAN: 1.0}, float, None)
    assert values_of({CLEAN: one}, "bbox_mAP") == ({CLEAN: 0.5}, None)
    assert classes_of(one) is None
    # a mixture is taken as it is too: there is no saying which classes the other record is over
    values, classes = values_of({CLEAN: record(CLEAN, ONE_PIXEL), FOG: {**one, "corruption": "fog"}}, "mIoU")
    assert classes is None
    assert values[CLEAN] == pytest.approx(1.9999 / 3)


def test_cells_of_other_labels_are_refused():
    other = record(FOG, [[[5, 0, 0], [5, 0, 0], [5, 0, 0]]])
    with pytest.raises(SummaryError, match=r"truth of fog 1 holds other classes than that of clean \(train\)"):
        summarize([record(CLEAN, EXACT), other], PROTOCOL)


def test_a_truth_without_classes_is_named():
    nothing = [[[0, 3, 0], [0, 0, 0], [0, 0, 0]]]
    with pytest.raises(SummaryError, match="labels hold none of the 3 classes, so that there is no mIoU"):
        summarize([record(CLEAN, nothing), record(FOG, nothing)], PROTOCOL)


def test_a_truth_without_objects_is_not_to_be_judged_again():
    records = [
        {"model": "m", "dataset": "d", "corruption": cell[0], "severity": cell[1], "metrics": {"bbox_mAP": None}}
        for cell in (CLEAN, FOG)
    ]
    with pytest.raises(SummaryError, match="bbox_mAP is not defined in any cell: the truth holds nothing") as error:
        summarize(records, PROTOCOL, "bbox_mAP")
    assert "again" not in str(error.value)
    records[0]["metrics"]["bbox_mAP"] = 0.5
    with pytest.raises(SummaryError, match="not a number in the cells fog 1; judge them again"):
        summarize(records, PROTOCOL, "bbox_mAP")


def test_a_score_that_is_null_beside_its_table_is_named():
    clean, fog = record(CLEAN, EXACT), record(FOG, EXACT)
    fog["metrics"]["mIoU"] = None
    with pytest.raises(SummaryError, match="mIoU is not a number in the cells fog 1; judge them again"):
        values_of({CLEAN: clean, FOG: fog}, "mIoU")


def test_scores_without_their_tables_are_named():
    one = record(CLEAN, EXACT)
    del one["per_class"]["IoU"]
    with pytest.raises(SummaryError, match="record of clean 0 has mIoU and no IoU by class"):
        values_of({CLEAN: one}, "mIoU")
