"""The published rows: what the tables print is what their per-type rows come to."""

import csv
import io
import json
from pathlib import Path

import pytest

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_csv, as_json
from mmfan.evaluation.report.published import published_rows
from mmfan.evaluation.summary.summary import summarize

TABLE = json.loads((Path(__file__).parents[2] / "data" / "cityscapes_c_table.json").read_text())
# what is printed in the second table and does not follow from the first
SLIPS = {"DeepLabv3+ Xception-71", "ResNet-38"}


def records_of(row):
    cells = [(CLEAN, row.clean), *((cell, row.by_corruption[cell.corruption]) for cell in PROTOCOLS["kamann16"].cells)]
    return [
        {
            "model": row.name,
            "dataset": row.dataset,
            "corruption": cell[0],
            "severity": cell[1],
            "metrics": {"mIoU": score},
        }
        for cell, score in cells
    ]


@pytest.mark.parametrize("expected", TABLE, ids=lambda row: row["model"])
def test_the_types_give_the_means_and_the_retention(expected):
    (row,) = published_rows([expected["model"]])
    assert (row.protocol, row.cells, len(row.by_corruption)) == ("kamann16", 72, 16)
    summary = summarize(records_of(row), "kamann16")
    for group, mean in expected["groups"].items():
        assert summary.by_group[group] * 100 == pytest.approx(mean, abs=0.1)
        assert row.by_group[group] == pytest.approx(summary.by_group[group])
    assert summary.corrupted * 100 == pytest.approx(expected["mean"], abs=0.1)
    assert summary.retention * 100 == pytest.approx(expected["retention"], abs=0.1)
    assert summary.corrupted_by_groups == pytest.approx(summary.corrupted)  # four groups of four
    assert row.corrupted == pytest.approx(summary.corrupted)
    assert row.retention == pytest.approx(summary.retention)


@pytest.mark.parametrize("expected", [row for row in TABLE if "printed" in row], ids=lambda row: row["model"])
def test_the_printed_figures(expected):
    (row,) = published_rows([expected["model"]])
    printed = (row.printed_corrupted * 100, row.printed_retention * 100)
    assert printed == pytest.approx((expected["printed"]["mean"], expected["printed"]["retention"]))
    agrees = abs(row.corrupted * 100 - printed[0]) <= 0.1 and abs(row.retention * 100 - printed[1]) <= 0.15
    assert agrees == (row.name not in SLIPS)
    assert ("slip" in row.note) == (row.name in SLIPS)


def test_a_mean_over_runs_would_not_give_them():
    """Weighting each type by its severities is off by up to 2.6 points: the order of the averages matters."""
    (row,) = published_rows(["DeepLabv3+ ResNet-50"])
    scores = [record["metrics"]["mIoU"] for record in records_of(row)[1:]]
    assert sum(scores) / len(scores) * 100 == pytest.approx(39.4, abs=0.05)
    assert row.corrupted * 100 == pytest.approx(36.8, abs=0.05)


def test_every_row_says_where_it_is_from():
    rows = published_rows()
    assert len(rows) == 75
    for row in rows:
        assert row.source
        assert row.label in ("protocol not stated", f"{row.protocol}, {row.cells} cells")
        assert row.note or row.protocol
        if None not in (row.clean, row.corrupted):
            assert 0 < row.corrupted < row.clean < 1
            assert row.retention == pytest.approx(row.corrupted / row.clean)
        else:
            assert "known to us" in row.note
        if row.printed_retention is not None and row.name not in SLIPS:
            assert row.retention == pytest.approx(row.printed_retention, abs=0.002)
        assert json.loads(json.dumps(row.to_dict()))["name"] == row.name
    assert len({(row.name, row.metric) for row in rows}) == len(rows)


# name -> clean, corrupted, retention in percent as printed, and the protocol that is stated
SEGMENTORS = {
    "FAN-T-Hybrid": (81.2, 57.1, None, None),
    "FAN-B-Hybrid": (82.2, 66.9, 81.5, None),
    "STL FAN-L-Hybrid": (82.8, 69.2, 83.6, None),
    "TAPADL FAN-B-Hybrid": (82.9, 69.7, None, "kamann16"),
    "SegFormer-B2": (81.0, 59.6, 73.6, None),
    "SegFormer-B5 (CWFA)": (None, None, 84.3, "kamann16"),
    "SETR (DeiT-S)": (76.0, 55.3, 72.8, None),
    "HGFormer Swin-T": (None, 43.81, None, "level5"),
    "Mask2Former Swin-T": (None, 41.68, None, "level5"),
    "Rein DINOv2-L": (None, 60.0, None, "level5"),
    "QPrompt-R1 DINOv2-L": (None, 69.8, None, "level5"),
}


@pytest.mark.parametrize("name", SEGMENTORS)
def test_figures_protocol_and_source(name):
    (row,) = published_rows([name], dataset="cityscapes", metric="mIoU")
    percents = (row.clean, row.printed_corrupted, row.printed_retention)
    assert [one if one is None else round(100 * one, 4) for one in percents] == list(SEGMENTORS[name][:3])
    assert row.protocol == SEGMENTORS[name][3]
    assert row.source


def test_what_is_quoted_from_a_third_party_is_marked():
    quoted = {row.name for row in published_rows(metric="mIoU") if row.quoted}
    kamann = {row.name for row in published_rows(metric="mIoU") if "Kamann and Rother" in row.quoted}
    stl = {"SegFormer-B0", "SegFormer-B1", "SegFormer-B2", "ConvNeXt-T", "Swin-T", "SETR (DeiT-S)"}
    assert kamann == {row["model"] for row in TABLE} - {"SegFormer-B5"}
    assert quoted == kamann | stl | {"Mask2Former Swin-T", "QPrompt-R1 DINOv2-L"}


def test_a_row_without_a_clean_score_in_every_form(tmp_path):
    records = records_of(published_rows(["SegFormer-B5"])[0])
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = published_rows(["HGFormer Swin-T", "QPrompt-R1 DINOv2-L"])
    report = build_report(read_runs([path]), "kamann16", published=rows)
    table = report.tables[0]
    assert [row[:6] for row in table.rows[1:]] == [
        ("HGFormer Swin-T [1]", "level5", "16", "-", "43.8", "-"),
        ("QPrompt-R1 DINOv2-L [2]†", "level5", "16", "-", "69.8", "-"),
    ]
    assert "† quoted" in table.caption
    assert "QPrompt-R1 DINOv2-L: from a third party's note about the paper, which we have not read" in report.notes
    published = json.loads(as_json(report))["published"]
    assert (published[0]["clean"], published[0]["retention"]) == (None, None)
    rows = list(csv.DictReader(io.StringIO(as_csv(report))))
    assert (rows[1]["clean"], rows[1]["quoted"]) == ("", "")
    assert float(rows[1]["corrupted"]) == pytest.approx(0.4381)
    assert rows[2]["quoted"]


def test_picking():
    assert {row.metric for row in published_rows(dataset="coco")} == {"bbox_mAP", "segm_mAP"}
    (fan,) = published_rows(["fan-l-hybrid"], metric="mIoU")
    assert (fan.params_m, fan.clean, fan.corrupted, fan.printed_retention) == (76.8, 0.823, 0.687, 0.835)
    assert (fan.protocol, fan.cells, fan.by_group) == (None, None, {})
    assert len(published_rows(["Mask R-CNN R50"])) == 2  # of boxes and of masks
    with pytest.raises(ValueError, match=r"No published row of 'segformer-b6'\. Did you mean 'SegFormer-B5'"):
        published_rows(["SegFormer-B6"])
    with pytest.raises(ValueError, match="No published coco row of 'icnet'"):
        published_rows(["ICNet"], dataset="coco")
