"""The published rows: what the tables print is what their per-type rows come to."""

import json
from pathlib import Path

import pytest

from mmfan.corruptions.cell import CLEAN
from mmfan.evaluation.protocol import PROTOCOLS
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
    assert len(rows) == 48
    for row in rows:
        assert row.source
        assert row.label in ("protocol not stated", f"{row.protocol}, {row.cells} cells")
        assert row.note or row.protocol
        assert 0 < row.corrupted < row.clean < 1
        assert row.retention == pytest.approx(row.corrupted / row.clean)
        if row.printed_retention is not None and row.name not in SLIPS:
            assert row.retention == pytest.approx(row.printed_retention, abs=0.002)
        assert json.loads(json.dumps(row.to_dict()))["name"] == row.name
    assert len({(row.name, row.metric) for row in rows}) == len(rows)


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
