"""What each class keeps."""

import pytest

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results import ResultsError
from mmfan.evaluation.summary.classes import summarize_classes
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError

PROTOCOL = Protocol("two", (Cell("fog", 1), Cell("fog", 2), Cell("snow", 1)))
TABLES = {
    CLEAN: {"road": 0.9, "train": 0.5, "sky": 0.0, "bus": None},
    Cell("fog", 1): {"road": 0.8, "train": None, "sky": 0.0, "bus": None},
    Cell("fog", 2): {"road": 0.6, "train": 0.2, "sky": 0.1, "bus": None},
    Cell("snow", 1): {"road": 0.1, "train": 0.1, "sky": 0.2},
}


def records(tables=TABLES):
    return [
        {
            "model": "m",
            "dataset": "d",
            "corruption": cell.corruption,
            "severity": cell.severity,
            "metrics": {"mIoU": 0.5},
            "per_class": {"IoU": table},
        }
        for cell, table in tables.items()
    ]


def test_by_hand():
    found = summarize_classes(records(), PROTOCOL)
    assert list(found) == ["road", "train", "sky", "bus"]
    assert found["road"] == pytest.approx((0.9, 0.4, 0.4 / 0.9))
    assert found["train"] == (0.5, None, None)  # not defined in one cell
    assert found["sky"] == (0.0, pytest.approx((0.05 + 0.2) / 2), None)
    assert found["bus"] == (None, None, None)


def test_partial():
    some = {cell: table for cell, table in TABLES.items() if cell != Cell("fog", 1)}
    with pytest.raises(MissingCellsError, match="fog 1"):
        summarize_classes(records(some), PROTOCOL)
    found = summarize_classes(records(some), PROTOCOL, partial=True)
    assert found["train"] == pytest.approx((0.5, 0.15, 0.3))


def test_what_is_not_there():
    with pytest.raises(SummaryError, match="record of clean has no scores per class of 'AP': it has IoU"):
        summarize_classes(records(), PROTOCOL, "AP")
    with pytest.raises(SummaryError, match="it has none"):
        summarize_classes([{**record, "per_class": None} for record in records()], PROTOCOL)
    wrong = {**TABLES, CLEAN: {"road": "0.9"}}
    with pytest.raises(ResultsError, match=r"`per_class` must be a dict .*got \{'IoU': \{'road': '0\.9'\}\}"):
        summarize_classes(records(wrong), PROTOCOL)
