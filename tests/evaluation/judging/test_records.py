"""Versions of cells: those of corruptions, and none for cells that are made in another way."""

import pytest

from mmfan.corruptions import ENGINE_VERSION
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.judging.records import check_corruption_versions, versions_of


def record(corruption, version):
    made = {} if version is None else {"corruption": version}
    return {
        "model": "m",
        "dataset": "d",
        "corruption": corruption,
        "severity": 3,
        "metrics": {"mIoU": 0.5},
        "versions": made,
    }


def test_only_corruptions_have_a_version_of_their_own():
    assert versions_of(Cell("fog", 3), ["numpy"])["corruption"] == ENGINE_VERSION
    assert "corruption" not in versions_of(CLEAN, ["numpy"])
    assert "corruption" not in versions_of(Cell("hidden_by_an_analysis", 50), ["numpy"])


def test_a_changed_corruption_is_refused_and_cells_made_otherwise_are_not():
    check_corruption_versions([record("fog", ENGINE_VERSION), record("hidden_by_an_analysis", None)], "r.jsonl")
    with pytest.raises(ValueError, match=r"r\.jsonl holds cells .*fog 3 \(version 0, now"):
        check_corruption_versions([record("fog", "0")], "r.jsonl")
