"""Protocols with conditions: families, what is judged, and how records describe and resume them."""

import json
import logging

import pytest
from helpers.small_results import PROTOCOL, SCORES, records

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions import ConditionCell, make_condition
from mmfan.evaluation.judging.asked import asked_adaptation
from mmfan.evaluation.judging.cells import CellRun
from mmfan.evaluation.judging.outcome import conclude
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.protocol import Protocol, ProtocolError, get_protocol, under_adaptation
from mmfan.evaluation.results.recorded_protocol import described_protocol, protocol_entry, recorded_protocols
from mmfan.evaluation.results.store import ResultsError, ResultsStore, RunKey, check_record, key_of
from mmfan.evaluation.summary import SummaryError, summarize
from mmfan.evaluation.summary.strengths import half_strength, summarize_strengths

MIXED = {
    "name": "mixed",
    "corruptions": {"fog": [1, 2]},
    "conditions": [
        {"kind": "adaptation", "name": "bn", "settings": {"prior": 4}},
        {"kind": "attack", "name": "pgd", "strengths": [1, 2, 8], "settings": {"steps": 5}},
        {"kind": "adaptation", "name": "tent", "on": {"contrast": [3]}},
    ],
}


def test_families():
    mixed = get_protocol(MIXED)
    assert [(one.name, one.size, one.corruptions) for one in mixed.families] == [
        ("mixed", 2, ("fog",)),
        ("mixed: bn (prior 4, reset cell)", 2, ("fog",)),
        ("mixed: pgd (alpha 2.5 eps/steps, norm linf, rounded True, steps 5)", 3, ("pgd",)),
        ("mixed: tent (lr 0.001, reset cell, steps 1)", 1, ("contrast",)),
    ]
    assert [one.groups for one in mixed.families] == [
        {"weather": ("fog",)}, {"weather": ("fog",)}, {}, {"digital": ("contrast",)},
    ]  # fmt: skip
    clean = [str(cell) for cell in mixed.judged if cell.pictures == CLEAN and cell.severity == 0]
    assert clean == ["clean", "clean with bn", "clean with tent"]
    assert len(mixed.judged) == len(set(mixed.judged)) == 3 + mixed.size
    plain = get_protocol(PROTOCOL)
    assert plain.families == (plain,)
    assert plain.judged == (CLEAN, *plain.cells)
    assert plain.reference == CLEAN


def test_records_describe_it():
    mixed = get_protocol(MIXED).whole(1)
    entry = json.loads(json.dumps(protocol_entry(mixed)))
    assert described_protocol(entry) == mixed
    assert described_protocol(entry).cells == mixed.cells
    assert recorded_protocols([{"protocol": entry}]) == [mixed]
    assert "conditions" not in protocol_entry(get_protocol(PROTOCOL))


def test_an_adaptation_of_a_named_protocol():
    adapted = under_adaptation(get_protocol("level5"), {"name": "bn", "reset": "picture"})
    assert adapted.name == "level5 with bn (prior 16, reset picture)"
    assert adapted.size == 16
    assert adapted.groups == get_protocol("level5").groups
    assert all(cell.pictures.severity == 5 for cell in adapted.cells)
    assert asked_adaptation("tent") == {"name": "tent", "lr": 0.001, "steps": 1, "reset": "cell"}
    assert asked_adaptation(None) is None
    with pytest.raises(ProtocolError, match="no adaptation 'tant'"):
        under_adaptation(get_protocol("level5"), "tant")
    with pytest.raises(ProtocolError, match="as the name of an adaptation or a dict with `name`"):
        under_adaptation(get_protocol("level5"), {"type": "bn"})
    with pytest.raises(ProtocolError, match="cannot be judged under"):
        under_adaptation(adapted, "tent")
    with pytest.raises(ProtocolError, match="is no JSON"):
        asked_adaptation('{"name": ')


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"kind": "attack"}, "`conditions` to be a list of dicts"),
        ([{"kind": "attack", "name": "pgd"}], "pgd needs `strengths`, a list of numbers"),
        ([{"kind": "attack", "name": "pgd", "strengths": []}], "pgd has no strengths"),
        ([{"kind": "attack", "name": "pgd", "strengths": [0]}], "finite number above 0"),
        ([{"kind": "attack", "name": "pgd", "strengths": [1, 1]}], "cells named twice: pgd 1"),
        ([{"kind": "adaptation", "name": "bn"}], "bn needs corruptions to be done on"),
        ([{"kind": "adaptation", "name": "bn", "strengths": [1]}], "has no strengths; leave `strengths` of bn out"),
        ([{"kind": "attack", "name": "pgd", "eps": [1]}], "Expected a condition as a dict"),
        ([{"kind": "rain", "name": "pgd"}], "no kind of conditions 'rain'"),
    ],
)
def test_descriptions_that_are_refused(conditions, words):
    with pytest.raises(ProtocolError, match=words):
        get_protocol({"conditions": conditions})


def attack_records(scores, **more):
    return [
        {**records(**more)[0], "metrics": {"mIoU": score}, "condition": make_condition("attack", "pgd", at).entry()}
        for at, score in scores.items()
    ]


def test_keys_tell_conditions_apart(tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    for record in [*records(), *attack_records({1: 0.5, 2: 0.3})]:
        store.append(record)
    key = key_of(records()[0])[0]
    assert store.done(key) == {*(Cell(*pair) for pair in SCORES), *(
        ConditionCell(CLEAN, make_condition("attack", "pgd", at)) for at in (1, 2)
    )}  # fmt: skip
    assert store.find(key, CLEAN)["metrics"] == {"mIoU": 0.8}
    counts = store.write_counts(attack_records({1: 0.5})[0], [[[1, 0, 0]]], ["a.png"])
    assert counts != store.write_counts(records()[0], [[[1, 0, 0]]], ["a.png"])
    with pytest.raises(ResultsError, match="`condition` must be a dict"):
        check_record({**records()[0], "condition": "bn"})


def test_strengths_are_not_averaged():
    protocol = get_protocol({"name": "a", "conditions": [{"kind": "attack", "name": "pgd", "strengths": [1, 2]}]})
    found = summarize_strengths([*records(), *attack_records({1: 0.6, 2: 0.2})], protocol)
    assert (found.clean, found.scores, found.halves) == (0.8, {"pgd": {1: 0.6, 2: 0.2}}, {"pgd": 1.5})
    assert found.to_dict()["half_strength"] == {"pgd": 1.5}
    with pytest.raises(SummaryError, match="no mean over strengths"):
        summarize([*records(), *attack_records({1: 0.6, 2: 0.2})], protocol)
    assert half_strength(0.8, {2: 0.4}) == 2
    assert half_strength(None, {2: 0.1}) is None
    # falls from 1 at 0 to 0 at 4: the half at 2; what rises again after it does not count
    assert half_strength(1.0, {4: 0.0, 8: 0.9}) == 2


def test_several_families_have_no_mean_in_common():
    with pytest.raises(SummaryError, match="'mixed' has cells of several families"):
        summarize(records(), MIXED)


def test_an_adapted_summary_is_held_against_the_model_as_it_is():
    adapted = under_adaptation(get_protocol(PROTOCOL), "bn")
    with_it = [
        {**records(scores={tuple(cell.pictures): 0.4})[0], **cell.described()}
        for cell in adapted.judged
        if cell != CLEAN
    ]
    found = summarize([*records(), *with_it], adapted)
    assert (found.clean, found.corrupted, found.retention) == (0.8, pytest.approx(0.4), pytest.approx(0.5))
    assert found.by_corruption == {"fog": 0.4, "contrast": 0.4}
    assert found.cells == 3
    scores = conclude([*records(), *with_it], Protocol("both", (*adapted.cells, Cell("fog", 1))), logging.getLogger())
    assert scores["clean/mIoU"] == 0.8
    assert scores["corrupted/mIoU"] == pytest.approx(0.4)
    assert scores["both/corrupted/mIoU"] == 0.6


def run_cells(cells, store, judged):
    run = CellRun(cells, store, RunKey("m", dataset="d"), pictures=["a"], packages=[], logger=logging.getLogger("t"))

    def judge(number, place):
        judged.append(str(cells[number]))
        return CellScores({"mIoU": 0.5})

    return run.run(lambda todo: None, judge, lambda number: None, 0)


def test_resuming_goes_through_what_later_cells_need(tmp_path):
    never = under_adaptation(get_protocol({"corruptions": {"fog": [1, 2, 3]}}), {"name": "bn", "reset": "never"})
    cells, judged = never.whole(1).judged, []
    assert [str(cell) for cell in cells] == ["clean", *(f"fog with bn {at}" for at in (1, 2, 3))]
    path = tmp_path / "r.jsonl"
    run_cells(cells, ResultsStore(path), judged)
    assert judged == [str(cell) for cell in cells]
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))
    judged.clear()
    run_cells(cells, ResultsStore(path), judged)
    assert judged == ["fog with bn 1", "fog with bn 2", "fog with bn 3"]  # the state of the first two is needed again
    assert [key_of(record)[1] for record in ResultsStore(path).records()] == list(cells)
    judged.clear()
    run_cells(cells, ResultsStore(path), judged)
    assert judged == []


def test_resuming_where_nothing_goes_on(tmp_path):
    cells = get_protocol(MIXED).whole(1).judged
    path, judged = tmp_path / "r.jsonl", []
    run_cells(cells, ResultsStore(path), judged)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4] + lines[5:]))
    judged.clear()
    run_cells(cells, ResultsStore(path), judged)
    assert judged == [str(cells[4])]
