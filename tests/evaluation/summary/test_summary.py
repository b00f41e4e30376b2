"""The summary: by hand, by property, and what it refuses."""

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import PROTOCOLS, Protocol, make_protocol
from mmfan.evaluation.summary.averages import average_cells, average_types
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.evaluation.summary.summary import summarize

# two groups of unequal size, a type with fewer severities than the others
SMALL = Protocol(
    "small",
    (Cell("fog", 1), Cell("fog", 2), Cell("snow", 1), Cell("snow", 2), Cell("shot_noise", 1)),
    {"weather": ("fog", "snow"), "noise": ("shot_noise",)},
)
SCORES = {CLEAN: 0.8, ("fog", 1): 0.7, ("fog", 2): 0.5, ("snow", 1): 0.4, ("snow", 2): 0.2, ("shot_noise", 1): 0.1}


def records_of(scores, model="m", metric="mIoU", **others):
    return [
        {"model": model, "dataset": "d", "corruption": cell[0], "severity": cell[1], "metrics": {metric: score}}
        | others
        for cell, score in scores.items()
    ]


def test_by_hand():
    summary = summarize(records_of(SCORES), SMALL)
    assert (summary.name, summary.dataset, summary.protocol, summary.metric) == ("m", "d", "small", "mIoU")
    assert (summary.cells, summary.protocol_cells, summary.missing, summary.partial) == (5, 5, (), False)
    assert summary.by_corruption == pytest.approx({"fog": 0.6, "snow": 0.3, "shot_noise": 0.1})
    assert summary.by_group == pytest.approx({"weather": 0.45, "noise": 0.1})
    assert summary.corrupted == pytest.approx(1.0 / 3)  # of types; of cells it would be 0.38
    assert summary.corrupted_by_groups == pytest.approx(0.275)
    assert summary.retention == pytest.approx(1.0 / 3 / 0.8)
    assert summary.retention_by_groups == pytest.approx(0.275 / 0.8)
    assert summary.retention_by_corruption == pytest.approx({"fog": 0.75, "snow": 0.375, "shot_noise": 0.125})
    assert summary.worst == ("shot_noise", 1, 0.1)
    assert summary.scores == {"fog": {1: 0.7, 2: 0.5}, "snow": {1: 0.4, 2: 0.2}, "shot_noise": {1: 0.1}}
    assert summary.label == "small, 5 cells"


def test_severities_are_averaged_over_the_types_that_have_them_all():
    """Else severity 2 would seem no worse than severity 1, because the noise is not in it."""
    summary = summarize(records_of(SCORES), SMALL)
    assert summary.by_severity == pytest.approx({1: 0.55, 2: 0.35})
    assert summary.by_severity_types == ("fog", "snow")
    assert summary.by_severity_left_out == ("shot_noise",)
    assert summary.drop_by_severity == pytest.approx({1: 0.25, 2: 0.45})
    assert summary.drop_per_severity == pytest.approx(0.225)
    kamann = PROTOCOLS["kamann16"]
    summary = summarize(records_of({CLEAN: 0.9} | {cell: 0.9 - 0.1 * cell.severity for cell in kamann.cells}), kamann)
    assert len(summary.by_severity_types) == 12
    assert set(summary.by_severity_left_out) == set(kamann.groups["noise"])
    assert summary.drop_per_severity == pytest.approx(0.1)
    none = summarize(
        records_of({CLEAN: 0.5, ("fog", 1): 0.4, ("snow", 2): 0.3}), make_protocol({"fog": [1], "snow": [2]})
    )
    assert (none.by_severity, none.drop_per_severity) == ({}, None)


def test_one_severity_alone():
    cells = {CLEAN: 0.8} | dict.fromkeys(PROTOCOLS["level5"].cells, 0.3)
    summary = summarize(records_of(cells), "level5")
    assert summary.cells == 16
    assert summary.by_severity == pytest.approx({5: 0.3})
    assert summary.drop_per_severity == pytest.approx(0.1)


def test_groups_may_be_missing():
    summary = summarize(records_of(SCORES), Protocol("bare", SMALL.cells))
    assert (summary.by_group, summary.corrupted_by_groups, summary.retention_by_groups) == ({}, None, None)
    assert summary.corrupted == pytest.approx(1.0 / 3)


def test_in_json():
    plain = json.loads(json.dumps(summarize(records_of(SCORES), SMALL).to_dict(), allow_nan=False))
    needed = (
        "name",
        "protocol",
        "cells",
        "clean",
        "corrupted",
        "retention",
        "by_group",
        "by_corruption",
        "by_severity",
    )
    assert set(needed) <= plain.keys()
    assert (plain["name"], plain["protocol"], plain["cells"], plain["clean"]) == ("m", "small", 5, 0.8)
    assert plain["by_severity"] == pytest.approx({"1": 0.55, "2": 0.35})
    assert plain["worst"] == {"corruption": "shot_noise", "severity": 1, "score": 0.1}
    assert plain["run"]["model"] == "m"
    assert plain["missing"] == []


def test_cells_are_shared_between_protocols():
    every = records_of(
        {CLEAN: 0.8}
        | {
            cell: 0.8 - cell.severity / 10
            for cell in {cell for protocol in PROTOCOLS.values() for cell in protocol.cells}
        }
    )
    cells = {name: summarize(every, name).cells for name in PROTOCOLS}
    assert cells == {name: protocol.size for name, protocol in PROTOCOLS.items()}
    assert summarize(every, "common15").corrupted == pytest.approx(0.5)  # mPC: here also the mean of the 75 cells
    assert summarize(every, "kamann16").corrupted == pytest.approx((12 * 0.5 + 4 * 0.6) / 16)
    uneven = summarize(every, "fan_repo_s3")
    assert uneven.corrupted == pytest.approx(0.6)


def test_unequal_groups_give_two_means():
    protocol = PROTOCOLS["fan_repo_s3"]
    extra = {CLEAN: 1.0} | {
        cell: 0.9 if cell.corruption in protocol.groups["extra"] else 0.5 for cell in protocol.cells
    }
    summary = summarize(records_of(extra), protocol)
    assert summary.corrupted == pytest.approx((17 * 0.5 + 2 * 0.9) / 19)
    assert summary.corrupted_by_groups == pytest.approx((4 * 0.5 + 0.9) / 5)


def test_two_severities_are_no_kamann16_but_a_protocol_of_their_own():
    own = make_protocol(["fog", "snow", "contrast"], [2, 4])
    found = records_of({CLEAN: 0.8} | {cell: 0.6 if cell.severity == 2 else 0.4 for cell in own.cells})
    with pytest.raises(MissingCellsError) as error:
        summarize(found, "kamann16")
    assert "6 of the 72 cells of 'kamann16'" in str(error.value)
    assert "fog 1/3/5" in str(error.value)
    assert len(error.value.cells) == 66
    summary = summarize(found, own)
    assert (summary.cells, summary.corrupted, summary.retention) == (6, pytest.approx(0.5), pytest.approx(0.625))
    assert summary.label == "custom, 6 cells"


def test_a_partial_summary_has_to_be_asked_for():
    cells = {cell: score for cell, score in SCORES.items() if cell not in (("fog", 1), ("snow", 1), ("snow", 2))}
    with pytest.raises(MissingCellsError, match=r"2 of the 5 cells .*missing: fog 1, snow 1/2"):
        summarize(records_of(cells), SMALL)
    summary = summarize(records_of(cells), SMALL, partial=True)
    assert summary.missing == (("fog", 1), ("snow", 1), ("snow", 2))
    assert summary.label == "small, PARTIAL: 2 of 5 cells"
    assert (summary.cells, summary.protocol_cells, summary.partial) == (2, 5, True)
    assert summary.corrupted == pytest.approx((0.5 + 0.1) / 2)
    assert summary.by_group == pytest.approx({"weather": 0.5, "noise": 0.1})
    assert summary.by_severity == {}
    assert summary.by_severity_left_out == ("fog", "snow", "shot_noise")


def test_a_partial_summary_without_the_clean_cell_has_no_retention():
    cells = {cell: score for cell, score in SCORES.items() if cell != CLEAN}
    with pytest.raises(MissingCellsError, match="missing: clean"):
        summarize(records_of(cells), SMALL)
    summary = summarize(records_of(cells), SMALL, partial=True)
    assert (summary.clean, summary.retention, summary.drop_per_severity) == (None, None, None)
    assert (summary.retention_by_corruption, summary.drop_by_severity) == ({}, {})
    assert summary.label == "small, PARTIAL: 5 of 5 cells, no clean score"
    with pytest.raises(MissingCellsError, match="judge a corrupted cell first"):
        summarize(records_of({CLEAN: 0.5}), SMALL, partial=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({CLEAN: 0.0}, r"clean score \(mIoU\) of 'm' is 0"),
        ({("fog", 2): math.nan}, "not a number in the cells fog 2"),
        ({("fog", 2): None, ("snow", 1): None}, "not a number in the cells fog 2, snow 1"),
        ({("fog", 2): 61.2}, "fraction from 0 to 1, got 61.2 in the cells fog 2"),
        ({("fog", 2): -1}, "fraction from 0 to 1, got -1 in the cells fog 2"),
    ],
)
def test_scores_that_cannot_be_averaged(change, message):
    with pytest.raises(SummaryError, match=message) as error:
        summarize(records_of(SCORES | change), SMALL)
    assert {tuple(cell) for cell in error.value.cells} == set(change)


def test_a_perfect_and_a_failing_score_are_scores():
    summary = summarize(records_of({CLEAN: 1} | dict.fromkeys(SMALL.cells, 0)), SMALL)
    assert (summary.clean, summary.corrupted, summary.retention) == (1.0, 0.0, 0.0)


def test_another_metric():
    assert summarize(records_of(SCORES, metric="bbox_mAP"), SMALL, "bbox_mAP").clean == 0.8
    with pytest.raises(SummaryError, match=r"No 'aAcc' in the records of clean, fog 1/2, .*there are mIoU"):
        summarize(records_of(SCORES), SMALL, "aAcc")


def test_nothing_to_average():
    with pytest.raises(SummaryError, match="no scores"):
        average_types({}, {})
    with pytest.raises(SummaryError, match="no scores"):
        average_cells({CLEAN: 0.5}, SMALL)


fractions = st.floats(0.01, 1)
full_grids = st.fixed_dictionaries({CLEAN: fractions} | dict.fromkeys(PROTOCOLS["kamann16"].cells, fractions))


@settings(max_examples=30)
@given(full_grids, st.randoms(use_true_random=False))
@pytest.mark.slow
def test_properties(scores, shuffler):
    summary = summarize(records_of(scores), "kamann16")
    shuffled = list(scores.items())
    shuffler.shuffle(shuffled)
    again = summarize(records_of(dict(shuffled)), "kamann16")
    assert again == summary  # the order of the records does not matter, to the last bit
    corrupted = [score for cell, score in scores.items() if cell != CLEAN]
    assert min(corrupted) == summary.worst.score
    assert min(corrupted) - 1e-12 <= summary.corrupted <= max(corrupted) + 1e-12
    assert summary.retention * summary.clean == pytest.approx(summary.corrupted)
    assert summary.corrupted_by_groups == pytest.approx(summary.corrupted)
    assert average_cells(scores, PROTOCOLS["kamann16"]).over_types == summary.corrupted
    halved = summarize(records_of({cell: score / 2 for cell, score in scores.items()}), "kamann16")
    assert halved.retention == pytest.approx(summary.retention)
    # the same by plain loops
    means = [
        sum(scores[Cell(name, at)] for at in (1, 2, 3, 4, 5)[: 3 if "noise" in name else 5])
        / (3 if "noise" in name else 5)
        for name in summary.by_corruption
    ]
    assert summary.corrupted == pytest.approx(sum(means) / 16)


@pytest.mark.parametrize("metric", ["abs_rel", "depth/rmse", "MAE"])
def test_errors_have_no_retention(metric):
    with pytest.raises(SummaryError, match=rf"Of {metric} less is better, and a retention is of scores where more is"):
        summarize(records_of(SCORES, metric=metric), SMALL, metric)


@pytest.mark.process
@pytest.mark.slow
def test_no_torch_and_no_openmmlab():
    code = (
        "import sys\n"
        "from mmfan.evaluation.summary.uncertainty import intervals as bootstrap;\n"
        "from mmfan.evaluation.summary import classes as class_summary;\n"
        "from mmfan.evaluation.report import published;\n"
        "from mmfan.evaluation.results import store as results;\n"
        "from mmfan.evaluation.summary import summary\n"
        "published.published_rows()\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'torch', 'mmengine', 'mmcv', 'mmseg', 'mmdet', 'numba', 'pandas', 'matplotlib'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
