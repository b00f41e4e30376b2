"""Mean and spread of several runs, by hand."""

import json
import statistics

import pytest
from helpers.small_results import PROTOCOL, SCORES, records

from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.summary import summarize
from mmfan.evaluation.summary.uncertainty.spread import Spread, spread, summarize_group

# clean, fog 1, fog 2, contrast 1
RUNS = ((0.8, 0.6, 0.4, 0.3), (0.6, 0.5, 0.3, 0.2), (0.9, 0.7, 0.5, 0.4))


def summaries(runs=RUNS, **more):
    return [
        summarize(records(f"s{at}", dict(zip(SCORES, run, strict=True)), **more), PROTOCOL)
        for at, run in enumerate(runs)
    ]


def test_by_hand():
    # a mean of 2; squared distances 1, 0, 1; their sum over n - 1 is 1
    assert spread([1, 2, 3]) == Spread(2.0, 1.0, 1, 3, 3)


def test_every_number_is_taken_for_each_run_first():
    found = summarize_group("fan", summaries())
    assert found.clean == pytest.approx((2.3 / 3, statistics.stdev([0.8, 0.6, 0.9]), 0.6, 0.9, 3))
    # fog 0.5, 0.4, 0.6; contrast 0.3, 0.2, 0.4; corrupted 0.4, 0.3, 0.5
    assert found.by_corruption["fog"] == pytest.approx((0.5, 0.1, 0.4, 0.6, 3))
    assert found.corrupted == pytest.approx((0.4, 0.1, 0.3, 0.5, 3))
    kept = [0.4 / 0.8, 0.3 / 0.6, 0.5 / 0.9]
    assert found.retention == pytest.approx((sum(kept) / 3, statistics.stdev(kept), 0.5, 0.5 / 0.9, 3))
    assert found.retention.mean != pytest.approx(0.4 / (2.3 / 3), abs=1e-3)  # the ratio of the means
    assert found.retention_by_group["weather"].low == pytest.approx(0.5 / 0.8)
    assert found.by_severity[2].mean == pytest.approx(0.4)
    assert found.worst == ("contrast", 1, pytest.approx(0.3))
    assert (found.runs, found.cells, found.protocol) == (3, 3, "small")


def test_in_json():
    plain = json.loads(json.dumps(summarize_group("fan", summaries()).to_dict()))
    assert plain["clean"] == pytest.approx(
        {"mean": 2.3 / 3, "std": statistics.stdev([0.8, 0.6, 0.9]), "low": 0.6, "high": 0.9, "n": 3}
    )
    assert plain["scores"]["fog"]["2"]["mean"] == pytest.approx(0.4)
    assert plain["worst"] == {"corruption": "contrast", "severity": 1, "mean": pytest.approx(0.3)}


def test_what_cannot_be_joined():
    with pytest.raises(SummaryError, match=r"Expected two runs or more in the group 'fan', got 1\."):
        summarize_group("fan", summaries(RUNS[:1]))
    other = summarize(records("s9"), {**PROTOCOL, "name": "other"})
    with pytest.raises(SummaryError, match=r"'fan' are of unlike protocols \(s0: small; s9: other\)"):
        summarize_group("fan", [*summaries(), other])
    bdd = summarize([{**record, "dataset": "bdd"} for record in records("s9")], PROTOCOL)
    with pytest.raises(SummaryError, match="unlike data sets"):
        summarize_group("fan", [*summaries(), bdd])
    cells = {cell: score for cell, score in SCORES.items() if cell != ("fog", 2)}
    lacking = summarize(records("s9", cells), PROTOCOL, partial=True)
    with pytest.raises(SummaryError, match="unlike cells"):
        summarize_group("fan", [*summaries(), lacking])
    with pytest.raises(SummaryError, match="lacks cells"):
        summarize_group("fan", [lacking, lacking])
