"""Worst cases, by hand and as minima."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.protocol import Protocol, get_protocol
from mmfan.evaluation.summary import summarize
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.worst import lowest, lowest_by_severity

SMALL = Protocol("small", (Cell("fog", 1), Cell("fog", 2), Cell("snow", 1), Cell("snow", 2), Cell("shot_noise", 1)))
SCORES = {CLEAN: 0.8, ("fog", 1): 0.7, ("fog", 2): 0.1, ("snow", 1): 0.4, ("snow", 2): 0.2, ("shot_noise", 1): 0.35}


def records_of(scores):
    return [
        {"model": "m", "dataset": "d", "corruption": cell[0], "severity": cell[1], "metrics": {"mIoU": score}}
        for cell, score in scores.items()
    ]


def test_by_hand():
    summary = summarize(records_of(SCORES), SMALL)
    assert summary.worst == ("fog", 2, 0.1)
    # of types: snow with (0.4 + 0.2) / 2, below fog with (0.7 + 0.1) / 2
    assert summary.worst_type == ("snow", pytest.approx(0.3))
    assert summary.worst_by_severity == {1: ("shot_noise", 0.35), 2: ("fog", 0.1)}
    assert summary.worst_retention == pytest.approx(0.1 / 0.8)
    assert summary.worst_type_retention == pytest.approx(0.3 / 0.8)
    plain = json.loads(json.dumps(summary.to_dict()))
    assert plain["worst"] == {"corruption": "fog", "severity": 2, "score": 0.1}
    assert plain["worst_type"] == {"corruption": "snow", "score": pytest.approx(0.3)}
    assert plain["worst_by_severity"]["1"] == {"corruption": "shot_noise", "score": 0.35}
    assert plain["worst_retention"] == pytest.approx(0.125)


def test_without_a_clean_score_there_is_no_worst_retention():
    scores = {cell: score for cell, score in SCORES.items() if cell != CLEAN}
    summary = summarize(records_of(scores), SMALL, partial=True)
    assert (summary.worst_retention, summary.worst_type_retention) == (None, None)
    assert summary.worst_by_severity[2] == ("fog", 0.1)


def test_gam_is_the_lowest_of_the_fifteen():
    """At one severity the worst cell, the worst type and the worst at the severity are one number."""
    cells = get_protocol("ssb15_s3").cells
    scores = {CLEAN: 0.8} | {cell: 0.3 + 0.02 * place for place, cell in enumerate(cells)}
    summary = summarize(records_of(scores), "ssb15_s3")
    gam = summary.worst_by_severity[3]
    assert gam == (cells[0].corruption, 0.3) == summary.worst_type
    assert summary.worst == (cells[0].corruption, 3, 0.3)


@given(
    st.dictionaries(st.text(min_size=1), st.dictionaries(st.integers(1, 5), st.floats(0, 1), min_size=1), min_size=1)
)
def test_minima(scores):
    by_severity = lowest_by_severity(scores)
    every = [score for row in scores.values() for score in row.values()]
    assert min(found.score for found in by_severity.values()) == min(every)
    assert set(by_severity) == {severity for row in scores.values() for severity in row}
    for severity, found in by_severity.items():
        assert scores[found.corruption][severity] == found.score
        assert all(found.score <= row[severity] for row in scores.values() if severity in row)


def test_nothing_to_take_the_lowest_of():
    with pytest.raises(SummaryError, match="no scores"):
        lowest({})
    assert lowest_by_severity({}) == {}
