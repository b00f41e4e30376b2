"""Results cards: what is in one, and every way in which a run may differ from it."""

import json

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, write

from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.report import read_runs
from mmfan.evaluation.report.card import (
    CardError,
    card_of,
    differences_from_card,
    other_versions,
    read_card,
    write_card,
)
from mmfan.evaluation.report.contents import ReportError
from mmfan.evaluation.report.gate import ExpectationError
from mmfan.evaluation.summary.selection import MissingCellsError

SMALL = get_protocol(PROTOCOL)
FACTS = {
    "seed": 0,
    "pictures": "500-ab",
    "checkpoint_hash": "c" * 64,
    "config_hash": "f" * 16,
    "contents_hash": "1" * 16,
    "truth_hash": "2" * 16,
    "metric_hash": "3" * 16,
    "precision": "float32",
}
VERSIONS = {"mmfan": "0.3.0", "numpy": "2.4.0", "corruption": "1"}


def run_of(tmp_path, scores=SCORES, name="fan-t", file="a.jsonl", **more):
    found = records(name, scores, **{**FACTS, "versions": VERSIONS, "source": "fly", "seconds": 12.5, **more})
    (run,) = read_runs([write(tmp_path / file, found)])
    return run


def written(tmp_path, **more):
    path = tmp_path / "card.json"
    write_card(path, run_of(tmp_path, **more), SMALL, "mIoU")
    return path


def test_a_card_in_the_place_of_results_is_told(tmp_path):
    card = written(tmp_path)
    with pytest.raises(ReportError, match=r"is a results card, no results file.*RESULTS --check .*card\.json"):
        read_runs([card])


def test_a_card_by_hand(tmp_path):
    card = card_of(run_of(tmp_path), SMALL, "mIoU")
    assert (card["mmfan_card"], card["model"], card["metric"], card["unit"]) == (1, "fan-t", "mIoU", "fraction")
    assert card["protocol"]["corruptions"] == {"fog": [1, 2], "contrast": [1]}
    assert card["protocol"]["name"] == "small"
    assert card["run"] == {"dataset": "cityscapes", **FACTS}
    scores = card["scores"]
    assert [scores[key] for key in ("clean", "corrupted", "retention")] == pytest.approx([0.8, 0.4, 0.5])
    assert scores["by_group"] == pytest.approx({"weather": 0.5, "digital": 0.3})
    assert scores["scores"] == {"fog": {"1": 0.6, "2": 0.4}, "contrast": {"1": 0.3}}
    assert card["worst"]["type"] == {"corruption": "contrast", "score": 0.3}
    assert card["worst"]["cell"] == {"corruption": "contrast", "severity": 1, "score": 0.3}
    assert (card["versions"], card["source"]) == ({"mmfan": "0.3.0", "numpy": "2.4.0"}, "fly")
    assert "12.5" not in json.dumps(card)  # nothing that a slower machine would change


def test_scores_are_not_rounded(tmp_path):
    third = {("clean", 0): 1 / 3, ("fog", 1): 0.1, ("fog", 2): 0.1, ("contrast", 1): 0.1}
    content = json.loads(written(tmp_path, scores=third).read_text())
    assert content["scores"]["clean"] == 1 / 3


def test_the_same_run_under_another_name_is_equal(tmp_path):
    path = written(tmp_path)
    other = run_of(tmp_path, name="mine", file="b.jsonl")
    assert differences_from_card(other, read_card(path), path, tolerance=0) == []
    assert other_versions(other, read_card(path)) == []


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_that_differs_is_named(tmp_path, fact):
    path = written(tmp_path)
    value = 7 if fact == "seed" else "other"
    found = differences_from_card(run_of(tmp_path, file="b.jsonl", **{fact: value}), read_card(path), path)
    assert found == [f"{fact} is {value}, the card has {FACTS[fact]}"]


def test_what_ones_own_run_does_not_say_is_a_difference_and_what_the_card_does_not_say_is_none(tmp_path):
    silent = run_of(tmp_path, truth_hash=None, file="b.jsonl")
    path = written(tmp_path)
    assert differences_from_card(silent, read_card(path), path) == [
        f"truth_hash is not stated, the card has {'2' * 16}"
    ]
    write_card(path, silent, SMALL, "mIoU")
    assert differences_from_card(run_of(tmp_path), read_card(path), path) == []


def test_every_score_that_differs_is_named_with_how_much(tmp_path):
    path = written(tmp_path)
    own = run_of(tmp_path, {**SCORES, ("contrast", 1): 0.304}, file="b.jsonl")
    found = differences_from_card(own, read_card(path), path)
    # contrast is 0.004 more, and so the mean of the two types 0.002; clean is 0.8
    assert "fan-t: corrupted is 0.402, expected 0.4 +- 0.0005 (+0.001500 beyond)" in found
    assert "fan-t: scores.contrast.1 is 0.304, expected 0.3 +- 0.0005 (+0.003500 beyond)" in found
    assert not any("clean" in line or "fog" in line for line in found)
    assert differences_from_card(own, read_card(path), path, tolerance=0.006) == []
    with pytest.raises(CardError, match="tolerance from 0 on"):
        differences_from_card(own, read_card(path), path, tolerance=-1)


def test_a_missing_cell_is_a_difference(tmp_path):
    path = written(tmp_path)
    own = run_of(tmp_path, {cell: SCORES[cell] for cell in list(SCORES)[:3]}, file="b.jsonl")
    (line,) = differences_from_card(own, read_card(path), path)
    assert "missing: contrast 1" in line
    with pytest.raises(MissingCellsError):
        write_card(path, own, SMALL, "mIoU")


def test_other_versions_are_told(tmp_path):
    path = written(tmp_path)
    own = run_of(tmp_path, file="b.jsonl", versions={"mmfan": "0.2.0"})
    assert other_versions(own, read_card(path)) == [
        "mmfan is 0.2.0, the card has 0.3.0",
        "numpy is not stated, the card has 2.4.0",
    ]


def changed(**more):
    return lambda card: {**card, **more}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: [], "no results card: it has no `mmfan_card`"),
        (lambda card: {}, "no results card: it has no `mmfan_card`"),
        (changed(mmfan_card=2), "a results card of version 2; this mmfan reads version 1"),
        (changed(model=""), "`model` must be a text"),
        (changed(metric=3), "`metric` must be a text"),
        (changed(run=[]), "`run` must be a table"),
        (changed(run={"colour": 1}), "there is no colour in the `run` of a card"),
        (changed(scores={}), "`scores` must be a table"),
        (changed(scores={"clean": 0.5}), "have at least `corrupted`, got clean"),
        (changed(protocol={"name": "x"}), "`protocol` describes none"),
        (changed(protocol={**PROTOCOL, "name": "kamann16"}), "belongs to a protocol with other cells"),
    ],
)
def test_bad_cards(tmp_path, change, said):
    path = written(tmp_path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(CardError) as caught:
        read_card(path)
    assert said in str(caught.value)


def test_what_is_no_json_and_no_number(tmp_path):
    path = written(tmp_path)
    content = json.loads(path.read_text())
    content["scores"]["clean"] = "much"
    path.write_text(json.dumps(content))
    with pytest.raises(ExpectationError, match="scores, clean: expected a number"):
        differences_from_card(run_of(tmp_path), read_card(path), path)
    path.write_text("{")
    with pytest.raises(CardError, match=r"is not a results card: no JSON file .*mmfan report RESULTS --card FILE"):
        read_card(path)
    with pytest.raises(FileNotFoundError):
        read_card(tmp_path / "none.json")
