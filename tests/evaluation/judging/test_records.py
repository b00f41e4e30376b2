"""Records of cells: their day, and versions: those of corruptions, none for cells that are made in another way."""

from datetime import datetime, timezone

import pytest

from mmfan.corruptions import ENGINE_VERSION
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.judging.records import check_corruption_versions, make_record, versions_of
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.results.store import RunKey


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


def test_a_record_says_the_day_on_which_its_cell_was_judged():
    before = datetime.now(timezone.utc).date()
    made = make_record(RunKey("m", "d"), CLEAN, CellScores({"mIoU": 0.5}), 1.25, ["numpy"])
    assert before <= datetime.strptime(made["date"], "%Y-%m-%d").date() <= datetime.now(timezone.utc).date()
    assert (made["metrics"], made["seconds"]) == ({"mIoU": 0.5}, 1.25)
