"""The published rows of detectors: clean (P), mean under corruption (mPC) and their ratio (rPC) belong together."""

import html
import json

import pytest

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.protocol import PROTOCOLS, make_protocol
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_json, as_latex, as_markdown
from mmfan.evaluation.report.html import as_html
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.summary.summary import summarize

# Michaelis et al., arXiv 1907.07484, and the table published with it: P, mPC, rPC, percent
BOXES = {
    "Faster R-CNN R50": (36.3, 18.2, 50.2),
    "Faster R-CNN R101": (38.5, 20.9, 54.2),
    "Faster R-CNN X101-32": (40.1, 22.3, 55.5),
    "Faster R-CNN X101-64": (41.3, 23.4, 56.6),
    "Mask R-CNN R50": (37.3, 18.7, 50.1),
    "Cascade R-CNN R50": (40.4, 20.1, 49.7),
    "Cascade Mask R-CNN R50": (41.2, 20.7, 50.2),
    "RetinaNet R50": (35.6, 17.8, 50.1),
    "HTC X101-64 DCN": (50.6, 32.7, 64.7),
    "Faster R-CNN R50 (stylised and clean)": (34.6, 20.4, 58.9),
    "Faster R-CNN R50 DCN": (40.0, 22.4, 56.1),
    "Faster R-CNN X101-32 DCN": (43.4, 26.7, 61.6),
    "Mask R-CNN R50 DCN": (41.1, 23.3, 56.7),
}
MASKS = {
    "Mask R-CNN R50": (34.2, 16.8, 49.1),
    "Cascade Mask R-CNN R50": (35.7, 17.6, 49.3),
    "HTC X101-64 DCN": (43.8, 28.1, 64.0),
}
ROWS = [
    (name, metric, *row) for metric, rows in (("bbox_mAP", BOXES), ("segm_mAP", MASKS)) for name, row in rows.items()
]


def test_there_are_no_others():
    rows = [row for row in published_rows(dataset="coco") if row.protocol == "common15"]
    assert {(row.name, row.metric) for row in rows} == {(name, metric) for name, metric, *_ in ROWS}


@pytest.mark.parametrize(("name", "metric", "clean", "corrupted", "ratio"), ROWS)
def test_the_ratio_is_reproduced(name, metric, clean, corrupted, ratio):
    (row,) = published_rows([name], dataset="coco", metric=metric)
    assert (row.clean, row.printed_corrupted, row.printed_retention) == pytest.approx(
        (clean / 100, corrupted / 100, ratio / 100), abs=1e-12
    )
    assert (row.protocol, row.cells) == ("common15", 75)
    # the printed ratio is of the unrounded scores: it must lie where the printed ones can have come from
    least, most = 100 * (corrupted - 0.05) / (clean + 0.05), 100 * (corrupted + 0.05) / (clean - 0.05)
    assert least - 0.05 <= ratio <= most + 0.05
    assert 100 * row.retention == pytest.approx(ratio, abs=0.2)


CITYSCAPES = {
    "Faster R-CNN R50 (Cityscapes)": (36.4, 12.2, 33.4),
    "Mask R-CNN R50 (Cityscapes)": (37.5, 11.7, 31.1),
    "Faster R-CNN R50 (Cityscapes, stylised)": (36.3, 17.2, 47.4),
}


@pytest.mark.parametrize("name", CITYSCAPES)
def test_detectors_on_cityscapes(name):
    (row,) = published_rows([name], dataset="cityscapes", metric="bbox_mAP")
    percents = [round(100 * one, 4) for one in (row.clean, row.printed_corrupted, row.printed_retention)]
    assert percents == list(CITYSCAPES[name])
    assert (row.protocol, row.quoted) == ("common15", "")
    assert "detection, not segmentation" in row.note


def test_a_row_of_the_fan_paper_whose_clean_score_is_lost():
    (row,) = published_rows(["Swin-T (Mask R-CNN)"])
    assert (row.dataset, row.clean, row.corrupted, row.retention) == ("coco", None, 0.293, None)
    assert "third party" in row.quoted


def test_rows_say_that_their_pictures_were_corrupted_in_bgr():
    for row in published_rows(dataset="coco"):
        assert "BGR pictures to a library that takes RGB" in row.note, row.name
        assert "snow, frost, spatter and JPEG compression have other colours" in row.note
        assert ("the protocol is not stated; " in row.note) == (row.protocol is None)
    assert not any("BGR" in row.note for row in published_rows(dataset="cityscapes", metric="mIoU"))


def test_the_note_stands_once_in_a_report_whatever_its_format(tmp_path):
    records = [
        {"model": "own", "dataset": "coco", "corruption": name, "severity": level, "metrics": {"bbox_mAP": score}}
        for name, level, score in (("clean", 0, 0.4), ("fog", 1, 0.3))
    ]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = published_rows(["Faster R-CNN R50", "Mask R-CNN R50"], dataset="coco", metric="bbox_mAP")
    protocol = make_protocol(["fog"], [1])
    report = build_report(read_runs([tmp_path / "own.jsonl"]), protocol, "bbox_mAP", published=rows)
    noted = f"Faster R-CNN R50, Mask R-CNN R50: {rows[0].note}"
    assert report.notes.count(noted) == 1
    assert f"- {noted}\n" in as_markdown(report)
    assert f"<li>{html.escape(noted)}</li>" in as_html(report)
    assert f"% {noted}\n" in as_latex(report)
    assert noted in json.loads(as_json(report))["notes"]
    assert [row["note"] for row in json.loads(as_json(report))["published"]] == [row.note for row in rows]


@pytest.mark.parametrize(("name", "metric", "clean", "corrupted", "ratio"), ROWS[:3])
def test_a_run_with_these_scores_is_summarised_to_them(name, metric, clean, corrupted, ratio):
    """Types and severities that differ, around the published mean: the flat mean over the 75 cells is mPC."""
    protocol = PROTOCOLS["common15"]
    scores = {CLEAN: clean / 100}
    for place, kind in enumerate(protocol.corruptions):
        for severity in protocol.severities(kind):
            scores[kind, severity] = corrupted / 100 + (place - 7) * 0.01 + (3 - severity) * 0.02
    records = [
        {"model": name, "dataset": "coco", "corruption": cell[0], "severity": cell[1], "metrics": {metric: score}}
        for cell, score in scores.items()
    ]
    summary = summarize(records, protocol, metric)
    assert summary.corrupted == pytest.approx(corrupted / 100, abs=1e-12)
    assert 100 * summary.retention == pytest.approx(ratio, abs=0.2)
