"""Calibration in reports: tables by hand, the forms, the plots, and reports without it."""

import json

import pytest
from helpers.calibrated_results import SMALL, calibrated, entry
from helpers.html_tree import tree
from helpers.small_results import PROTOCOL, records, write

from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_csv, as_dict, as_latex, as_markdown
from mmfan.evaluation.report.html import as_html


def make(tmp_path, *groups):
    return build_report(read_runs([write(tmp_path / "a.jsonl", *groups)]), PROTOCOL)


def table(report, title):
    return next(one for one in report.tables if one.title == title)


@pytest.fixture
def report(tmp_path):
    knowing = {cell: one | {"confidence": one["accuracy"]} for cell, one in SMALL.items()}
    return make(tmp_path, calibrated(records()), calibrated(records("b"), knowing), records("without"))


def test_scores(report):
    found = table(report, "Calibration")
    assert found.head == ("score", "fan-t: clean", "fan-t: corrupted", "b: clean", "b: corrupted")
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows["accuracy"] == ("90.0", "45.0", "90.0", "45.0")
    assert rows["confidence"] == ("90.0", "80.0", "90.0", "45.0")
    assert rows["confidence lost / accuracy lost"] == ("-", "22.2", "-", "100.0")
    assert rows["ECE"] == ("0.0", "35.0", "0.0", "35.0")
    assert rows["NLL"] == ("0.500", "1.400", "0.500", "1.400")
    assert rows["AUROC"] == ("90.0", "-", "90.0", "-")
    assert rows["temperature"] == ("2.00",) * 4
    assert rows["NLL at the temperature"] == ("0.250", "1.250") * 2
    assert "Brier" not in rows


def test_of_classifiers_pictures_are_counted(tmp_path):
    """Each stands for a pixel in the sums; the page says what it is."""
    runs = read_runs([write(tmp_path / "a.jsonl", calibrated(records(metric="top1")))])
    found = table(build_report(runs, PROTOCOL, "top1"), "Calibration")
    assert found.caption.startswith("calibration of pictures, in %")
    assert found.caption.endswith("carried to the corrupted ones, on every fourth picture")
    assert [row[0] for row in found.rows if "sampled" in row[0]] == ["ECE, sampled pictures", "NLL, sampled pictures"]
    assert "pixel" not in found.caption


def test_by_corruption(report):
    found = table(report, "Calibration by corruption")
    assert found.rows == (
        ("clean", "0.0", "-", "0.0", "-"),
        ("fog", "10.0", "66.7", "10.0", "100.0"),
        ("contrast", "60.0", "0.0", "60.0", "100.0"),
        ("mean of types", "35.0", "22.2", "35.0", "100.0"),
    )


def test_lower_is_better(tmp_path):
    better = {cell: entry({14: (10, 0.99, 9)}, NLL=0.1, AUROC=0.95) for cell in SMALL}
    text = as_latex(make(tmp_path, calibrated(records()), calibrated(records("b"), better)))
    line = next(line for line in text.splitlines() if line.startswith("NLL &"))
    assert line == r"NLL & 0.500 & 1.400 & \textbf{0.100} & \textbf{0.100} \\"


def test_no_retention_is_computed_of_it(report):
    found = as_dict(report)["models"][0]
    assert found["metric"] == "mIoU"
    assert found["calibration"]["corrupted"]["NLL"] == pytest.approx(1.4)
    assert "retention" not in json.dumps(found["calibration"])
    assert found["calibration"]["temperature"]["value"] == 2


def test_forms(report):
    assert "## Calibration by corruption" in as_markdown(report)
    head, first, *_ = as_csv(report).splitlines()
    row = dict(zip(head.split(","), first.split(","), strict=True))
    assert float(row["calibration:NLL:corrupted"]) == pytest.approx(1.4)
    assert row["calibration:AUROC:corrupted"] == ""
    assert json.dumps(as_dict(report), allow_nan=False)


def test_columns_of_the_first_table(tmp_path):
    runs = read_runs([write(tmp_path / "a.jsonl", calibrated(records()), records("without"))])
    found = build_report(runs, PROTOCOL, columns=["ECE clean", "ECE", "known loss"]).tables[0]
    assert [row[1:] for row in found.rows] == [("0.0", "35.0", "22.2"), ("-", "-", "-")]


def test_the_page_draws_it(report):
    text = as_html(report)
    page = tree(text)
    told = [node.attributes.get("aria-label", "") for node in page.walk() if node.tag == "svg"]
    against = next(one for one in told if one.startswith("Confidence against accuracy"))
    assert "fan-t, contrast: right 30.0 %, confidence 90.0 %" in against
    assert sum(one.startswith("Reliability of") for one in told) == 2  # of the two that were judged with it


def test_reports_without_it_have_nothing_of_it(tmp_path):
    made = make(tmp_path, records())
    for text in (as_markdown(made), as_html(made), as_csv(made), json.dumps(as_dict(made))):
        assert "alibration" not in text
    assert not [one for one in made.tables if "Calibration" in one.title]


def test_cells_without_it_are_told(tmp_path):
    entries = {cell: one for cell, one in SMALL.items() if cell != ("fog", 2)}
    made = make(tmp_path, calibrated(records(), entries))
    assert made.models[0].calibration is None
    assert any(note.startswith("fan-t has no calibration: No calibration of 1 cell") for note in made.notes)


def test_of_a_classifier_pictures_are_counted(tmp_path):
    found = calibrated(records(metric="top1"))
    for record in found:
        record["metrics"]["top5"] = record["metrics"]["top1"]
    runs = read_runs([write(tmp_path / "a.jsonl", found)])
    for metric in ("top1", "top5"):
        made = build_report(runs, PROTOCOL, metric)
        assert table(made, "Calibration").caption.startswith("calibration of pictures")
        assert "the share of right pictures" in as_html(made)
        assert "right pixels" not in as_html(made)


def test_a_temperature_at_the_end_is_told(tmp_path):
    entries = {**SMALL, ("clean", 0): entry({13: (10, 0.9, 9)}, best=9, NLL=1, AUROC=0.9)}
    notes = make(tmp_path, calibrated(records(), entries)).notes
    assert any("The temperature of fan-t, 4, is the last one" in note for note in notes)


@pytest.mark.slow
def test_plots(report):
    from mmfan.evaluation.report.figures import plots

    drawn = {figure.name: figure for figure in plots(report)}
    assert {"confidence_by_accuracy", "reliability"} <= set(drawn)
    assert all(figure.png.startswith(b"\x89PNG") for figure in drawn.values())
