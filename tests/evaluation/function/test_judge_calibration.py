"""Calibration of a callable: its records, its sums beside them, and what is refused."""

import json

import numpy as np
import pytest
from helpers.tiny_pictures import CELLS, CLASSES, PROTOCOL, by_brightness, write_folders

from mmfan import SegmentationData, judge
from mmfan.errors import MMFanError
from mmfan.evaluation.function.scoring.predictions import PredictionError
from mmfan.evaluation.judging.findings import PreflightError
from mmfan.evaluation.results.calibration_file import read_sums
from mmfan.evaluation.results.store import ResultsStore

QUICK = {"protocol": PROTOCOL, "workers": 0, "verbose": False}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SegmentationData(*write_folders(tmp_path_factory.mktemp("data")), CLASSES, name="street")


def sure(share):
    """A model that is always so sure of one of three classes."""

    def predict(picture):
        labels = by_brightness(picture)
        rest = np.full((3, *labels.shape), (1 - share) / 2, np.float32)
        np.put_along_axis(rest, labels[None].astype(np.int64), share, axis=0)
        return rest

    return predict


def test_records_have_it_beside_the_metrics(data, tmp_path):
    found = judge(sure(0.7), data, results=tmp_path / "r.jsonl", calibration=True, **QUICK)
    plain = judge(sure(0.7), data, results=tmp_path / "plain.jsonl", **QUICK)
    for record, without in zip(found.records, plain.records, strict=True):
        entry = record["calibration"]
        assert record["metrics"] == without["metrics"]
        assert "calibration" not in without
        assert entry["accuracy"] == record["metrics"]["aAcc"]
        assert entry["confidence"] == pytest.approx(0.7, abs=1e-6)
        assert entry["scores"]["ECE"] == pytest.approx(abs(record["metrics"]["aAcc"] - 0.7), abs=1e-6)
        assert read_sums(tmp_path / entry["sums"]).scores()["ECE"] == entry["scores"]["ECE"]
    records = ResultsStore(tmp_path / "r.jsonl").records()
    assert len(records) == len(CELLS)
    assert records[0]["calibration"] == json.loads(json.dumps(found.records[0]["calibration"]))
    assert records[0]["metric_hash"] != plain.records[0]["metric_hash"]


@pytest.mark.parametrize("more", [{}, {"batch_size": 2}])
def test_a_killed_run_goes_on(more, data, tmp_path):
    whole = judge(sure(0.7), data, results=tmp_path / "whole.jsonl", calibration=True, **QUICK)
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "r.jsonl").write_text("".join(lines[:2]) + lines[2][:40])  # killed while it wrote the third
    (tmp_path / "r.jsonl.counts").mkdir()
    for name in (json.loads(line)["calibration"]["sums"] for line in lines[:2]):
        copied = tmp_path / name.replace("whole", "r")
        copied.write_bytes((tmp_path / name).read_bytes())
    model = sure(0.7)
    model = model if not more else lambda pictures: [sure(0.7)(one) for one in pictures]
    with pytest.warns(UserWarning, match="line 3: passed over the part of a record that a killed run left"):
        found = judge(model, data, results=tmp_path / "r.jsonl", calibration=True, **QUICK, **more)
    told = [{key: one["calibration"][key] for key in one["calibration"] if key != "sums"} for one in whole.records]
    again = [{key: one["calibration"][key] for key in one["calibration"] if key != "sums"} for one in found.records]
    assert again == told  # integers, and what is made of them
    assert all(read_sums(tmp_path / one["calibration"]["sums"]).count for one in found.records[2:])
    assert found.calibration.corrupted == whole.calibration.corrupted


def test_reports_show_it(data, tmp_path):
    found = judge(sure(0.7), data, results=tmp_path / "r.jsonl", calibration=True, **QUICK)
    summary = found.report(tmp_path / "r.md").models[0].calibration
    assert found.calibration.corrupted == summary.corrupted
    assert summary.known == pytest.approx(0, abs=1e-6)  # it never loses confidence
    assert "## Calibration" in (tmp_path / "r.md").read_text()


def test_logits_are_asked_for(data):
    def predict(picture):
        return np.log(sure(0.7)(picture))

    found = judge(predict, data, calibration="logits", **QUICK)
    assert found.records[0]["calibration"]["confidence"] == pytest.approx(0.7, abs=1e-6)
    with pytest.raises(PreflightError, match=r"Expected probabilities.*calibration='logits'"):
        judge(predict, data, calibration=True, **QUICK)


def test_label_maps_have_no_confidence(data):
    with pytest.raises(PreflightError, match="Calibration needs the probabilities of all classes"):
        judge(by_brightness, data, calibration=True, **QUICK)


def test_what_fails_later_names_the_picture(data):
    calls = []

    def predict(picture):
        calls.append(1)
        return sure(0.7)(picture) * (1 if len(calls) < 3 else 2)

    with pytest.raises(PredictionError, match=r"for clean of the picture street/1\.png: Expected probabilities"):
        judge(predict, data, calibration=True, **QUICK)


def test_other_forms_are_refused(data):
    with pytest.raises(MMFanError, match="'logits' or 'probabilities', got 'softmax'"):
        judge(sure(0.7), data, calibration="softmax", **QUICK)
