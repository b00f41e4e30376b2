"""Confidence intervals and image-level scores in a report."""

import json

import numpy as np
import pytest
from helpers.small_results import PROTOCOL, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_dict, as_json
from mmfan.evaluation.results.store import ResultsStore

CELLS = {("clean", 0): 80, ("fog", 1): 60, ("fog", 2): 40, ("contrast", 1): 30}


def judged(path, cells=CELLS, spread=0):
    """Four pictures of one class and 100 pixels, of which ``right`` are found: IoU is right / 100."""
    store = ResultsStore(path)
    for (name, at), right in cells.items():
        tp = right + np.array([-spread, spread, -spread, spread])
        counts = np.stack([tp, np.zeros(4, int), 100 - tp], axis=-1)[:, None]
        record = {"model": "fan-t", "dataset": "cityscapes", "corruption": name, "severity": at}
        name = store.write_counts(record, counts, ["a.png", "b.png", "c.png", "d.png"], ["car"])
        store.append({**record, "metrics": {"mIoU": right / 100}, "counts": name})
    return path


def test_equal_pictures_have_no_spread(tmp_path):
    report = build_report(read_runs([judged(tmp_path / "a.jsonl")]), PROTOCOL)
    intervals, pictures = report.models[0].intervals, report.models[0].pictures
    assert intervals.clean == pytest.approx((0.8, 0.8))
    assert intervals.retention == pytest.approx((0.5, 0.5))
    assert (pictures.clean, pictures.corrupted, pictures.retention) == pytest.approx((0.8, 0.4, 0.5))
    assert report.notes == ()


def test_spread_is_within_the_pictures_and_in_the_json(tmp_path):
    report = build_report(read_runs([judged(tmp_path / "a.jsonl", spread=10)]), PROTOCOL)
    model = json.loads(as_json(report))["models"][0]
    low, high = model["intervals"]["clean"]
    assert 0.7 <= low < 0.8 < high <= 0.9
    assert model["image_level"]["worst_decile_clean"] == pytest.approx(0.7)


def test_none_without_counts_of_every_cell(tmp_path):
    path = judged(tmp_path / "a.jsonl", {("clean", 0): 80, ("fog", 1): 60})
    rest = [
        {"model": "fan-t", "dataset": "cityscapes", "corruption": name, "severity": at, "metrics": {"mIoU": score}}
        for name, at, score in (("fog", 2, 0.4), ("contrast", 1, 0.3))
    ]
    other = write(tmp_path / "b.jsonl", rest)
    report = build_report(read_runs([path, other]), PROTOCOL)
    assert report.models[0].intervals is None
    assert report.notes == ()
    assert "intervals" not in as_dict(report)["models"][0]


def test_other_metrics_have_none(tmp_path):
    path = judged(tmp_path / "a.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["metrics"]["score"] = 0.5
    write(path, lines)
    assert build_report(read_runs([path]), PROTOCOL, "score").models[0].intervals is None


@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_lost_counts_cost_the_intervals_alone_and_are_said(tmp_path, damage):
    path = judged(tmp_path / "a.jsonl")
    name = json.loads(path.read_text().splitlines()[1])["counts"]
    if damage == "gone":
        (path.parent / name).unlink()
    else:
        (path.parent / name).write_bytes((path.parent / name).read_bytes()[:50])
    report = build_report(read_runs([path]), PROTOCOL)
    assert report.models[0].summary.retention == pytest.approx(0.5)
    assert report.models[0].intervals is None
    (note,) = report.notes
    assert note.startswith("fan-t has no confidence intervals: ")
    assert name in note
