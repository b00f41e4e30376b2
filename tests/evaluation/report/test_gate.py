"""The regression gate: what is expected, in all its forms, and what differs."""

import json
import re

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, write

from mmfan.evaluation.protocol import get_protocol, protocol_of_cells
from mmfan.evaluation.report import build_report, read_runs
from mmfan.evaluation.report.formats import as_json
from mmfan.evaluation.report.gate import ExpectationError, differences, read_expectations, write_expectations
from mmfan.evaluation.results.store import key_of

SMALL = get_protocol(PROTOCOL)


def runs(tmp_path, scores=SCORES):
    return read_runs([write(tmp_path / "a.jsonl", records(scores=scores))])


def expected(tmp_path, content, tolerance=None):
    path = tmp_path / "expected.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_expectations(path, tolerance)


def found(tmp_path, numbers, scores=SCORES, **more):
    wanted = expected(tmp_path, {"models": {"fan-t": numbers}, **more})
    return differences(runs(tmp_path, scores), SMALL, "mIoU", wanted)


@pytest.mark.parametrize(
    "numbers",
    [
        {"clean": [0.8, 0.001], "corrupted": [0.4, 1e-9], "retention": [0.45, 0.06]},
        {"retention": {"value": 0.5, "tolerance": 0}},
        {"retention": {"min": 0.5}, "clean": {"max": 0.9}, "corrupted": {"min": 0.3, "max": 0.5}},
        {
            "by_corruption": {"fog": [0.5, 0.01]},
            "by_group": {"digital": [0.3, 0.01]},
            "by_severity": {"2": [0.4, 0.01]},
        },
        {"scores": {"fog": {"1": [0.6, 0.01], "2": [0.4, 0.01]}}},
    ],
)
def test_as_expected(tmp_path, numbers):
    assert found(tmp_path, numbers) == []


def test_every_difference_is_named(tmp_path):
    numbers = {
        "clean": [0.81, 0.005],
        "retention": {"min": 0.6},
        "by_corruption": {"fog": [0.5, 0.01], "contrast": [0.2, 0.05], "snow": [0.2, 0.05]},
        "scores": {"fog": {"2": [0.39, 0.001]}},
    }
    assert [line.split(" (")[0] for line in found(tmp_path, numbers)] == [
        "fan-t: clean is 0.8, expected 0.81 +- 0.005",
        "fan-t: retention is 0.5, expected at least 0.6",
        "fan-t: by_corruption.contrast is 0.3, expected 0.2 +- 0.05",
        "fan-t: by_corruption.snow is not there, expected 0.2 +- 0.05",
        "fan-t: scores.fog.2 is 0.4, expected 0.39 +- 0.001",
    ]


def test_both_sides_of_the_tolerance(tmp_path):
    assert found(tmp_path, {"clean": [0.79, 0.01], "corrupted": [0.41, 0.01]}) == []
    assert len(found(tmp_path, {"clean": [0.79, 0.0099], "corrupted": [0.41, 0.0099]})) == 2


def test_a_difference_of_rounding_is_none(tmp_path):
    assert 0.7 + 0.1 < 0.8  # the clean score
    assert found(tmp_path, {"clean": [0.7, 0.1], "by_corruption": {"contrast": [0.2, 0.1]}}) == []
    assert len(found(tmp_path, {"clean": [0.7, 0.1 - 1e-11]})) == 1


def test_what_is_not_defined_is_a_difference(tmp_path):
    plain = get_protocol({"name": "plain", "corruptions": {"fog": [1], "contrast": [2]}})
    scores = {("clean", 0): 0.8, ("fog", 1): 0.6, ("contrast", 2): 0.3}
    wanted = expected(tmp_path, {"models": {"fan-t": {"drop_per_severity": {"min": 0}}}})
    lines = differences(runs(tmp_path, scores), plain, "mIoU", wanted)
    assert lines == ["fan-t: drop_per_severity is not a number, expected at least 0"]


def test_a_number_alone_takes_the_tolerance_of_the_file_or_the_call(tmp_path):
    numbers = {"clean": 0.805}
    assert found(tmp_path, numbers, tolerance=0.01) == []
    assert len(found(tmp_path, numbers, tolerance=0.001)) == 1
    wanted = expected(tmp_path, {"models": {"fan-t": numbers}, "tolerance": 0.001}, tolerance=0.01)
    assert differences(runs(tmp_path), SMALL, "mIoU", wanted) == []
    with pytest.raises(ExpectationError, match=r"fan-t, clean: 0\.805 has no tolerance.*--tolerance"):
        expected(tmp_path, {"models": {"fan-t": numbers}})


def test_missing_and_undefined_cells_and_models_are_differences(tmp_path):
    without = {cell: score for cell, score in SCORES.items() if cell != ("fog", 2)}
    (line,) = found(tmp_path, {"clean": [0.8, 0.1]}, without)
    assert re.match("fan-t: .*missing: fog 2", line)
    (line,) = found(tmp_path, {"clean": [0.8, 0.1]}, {**SCORES, ("fog", 2): None})
    assert "not a number in the cells fog 2" in line
    wanted = expected(tmp_path, {"models": {"fan-s": {"clean": [0.8, 0.1]}}})
    assert differences(runs(tmp_path), SMALL, "mIoU", wanted) == ["fan-s: not in the results, which have fan-t"]


def test_what_was_written_is_as_expected(tmp_path):
    report = build_report(runs(tmp_path), SMALL)
    path = tmp_path / "new" / "expected.json"
    write_expectations(path, report.models, 0.01)
    content = json.loads(path.read_text())
    assert content["models"]["fan-t"]["by_corruption"]["fog"] == [0.5, 0.01]
    assert '"retention": [0.5, 0.01],' in path.read_text()
    wanted = read_expectations(path)
    assert (wanted.protocol, wanted.metric) == ("small", "mIoU")
    assert differences(runs(tmp_path), SMALL, "mIoU", wanted) == []
    worse = {**SCORES, ("fog", 2): 0.3}
    lines = differences(runs(tmp_path, worse), SMALL, "mIoU", wanted)
    assert {line.split(" is ")[0] for line in lines} == {
        "fan-t: corrupted", "fan-t: retention", "fan-t: by_group.weather", "fan-t: by_corruption.fog",
        "fan-t: by_severity.2",
    }  # fmt: skip


def test_what_was_written_says_its_cells(tmp_path):
    path = tmp_path / "expected.json"
    made = read_runs([write(tmp_path / "b.jsonl", records(scores={**SCORES, ("contrast", 2): 0.3}))])
    recorded = protocol_of_cells([key_of(record)[1] for record in made[0].records], "recorded")
    write_expectations(path, build_report(made, recorded).models, 0.01, recorded)
    assert json.loads(path.read_text())["protocol"]["corruptions"] == {"fog": [1, 2], "contrast": [1, 2]}
    assert '"fog": [1, 2]' in path.read_text()
    wanted = read_expectations(path)
    assert (wanted.protocol, wanted.described) == ("recorded", recorded)
    assert differences(made, recorded, "mIoU", wanted) == []
    # without contrast 2 all means are the same
    fewer, more = (protocol_of_cells(cells, "recorded") for cells in (SCORES, [*recorded.cells, ("snow", 5)]))
    assert differences(runs(tmp_path), fewer, "mIoU", wanted) == [
        "the protocol 'recorded' lacks the cells that the expected numbers are of: contrast 2"
    ]
    assert differences(made, more, "mIoU", wanted) == [
        "the protocol 'recorded' has more than the cells that the expected numbers are of: snow 5"
    ]
    level5 = get_protocol("level5")
    found = read_runs([write(tmp_path / "c.jsonl", records(scores=dict.fromkeys([("clean", 0), *level5.cells], 0.5)))])
    write_expectations(path, build_report(found, level5).models, 0.01, level5)
    assert json.loads(path.read_text())["protocol"] == "level5"


def test_an_old_report_can_be_what_is_expected(tmp_path):
    text = as_json(build_report(runs(tmp_path), SMALL))
    wanted = expected(tmp_path, text, tolerance=0.001)
    assert (wanted.protocol, wanted.metric) == ("small", "mIoU")
    assert differences(runs(tmp_path), SMALL, "mIoU", wanted) == []
    assert differences(runs(tmp_path, {**SCORES, ("contrast", 1): 0.31}), SMALL, "mIoU", wanted)
    with pytest.raises(ExpectationError, match="has no tolerance"):
        expected(tmp_path, text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON file"),
        ("[" * 100_000, "is no JSON file: it is nested too deeply"),
        ("[]", "expected {"),
        ({"models": {}}, "expected {"),
        ({"models": {"a": {"clean": [0.5, 0.1]}}, "protokol": "x"}, "there is no 'protokol'"),
        ({"models": {"a": {"clean": [0.5, 0.1]}}, "tolerance": -1}, "tolerance from 0 on, got -1"),
        ({"models": {"a": {"clean": [0.5, 0.1]}}, "metric": 3}, "`metric` must be a name"),
        ({"models": {"a": {"clean": [0.5, 0.1]}}, "protocol": {"name": "x"}}, "`protocol` describes none ("),
        ({"models": {"a": {"klean": [0.5, 0.1]}}}, "a, klean: nothing that can be expected; there are clean, corr"),
        ({"models": {"a": {"clean": [0.5, -0.1]}}}, "a, clean: expected a tolerance from 0 on"),
        ({"models": {"a": {"clean": "high"}}}, "expected a number"),
        ({"models": {"a": {"clean": {"min": 0.9, "max": 0.1}}}}, "min <= max"),
        ({"models": {"a": {"by_corruption": 0.5}}}, "a, by_corruption: expected a dict of numbers, got 0.5"),
        ({"models": {"a": {"scores": {"fog": 0.5}}}}, "a, scores.fog: expected a dict of numbers, got 0.5"),
        ({"models": {"a": 0.5}}, "a: expected a dict of numbers"),
        ({"models": {"a": {}}}, "a: expected a dict of numbers, got {}"),
        ({"models": {"a": {"clean": [0.5, 0.1, 0.2]}}}, "a, clean: expected a number, [value, tolerance]"),
        ({"models": {"a": {"clean": {"min": 0.1, "value": 0.2}}}}, "a, clean: expected a number, [value, tolerance]"),
        ({"models": [{"clean": 0.5}]}, "expected a `name`"),
        ('{"models": {"a": {"clean": [NaN, 0.1]}}}', "expected a number"),
    ],
)
def test_bad_files(tmp_path, content, message):
    with pytest.raises(ExpectationError, match=re.escape(message)):
        expected(tmp_path, content)


def test_nothing_partial_is_expected(tmp_path):
    scores = {("clean", 0): 0.8, ("fog", 1): 0.6}
    report = build_report(runs(tmp_path, scores), SMALL, partial=True)
    with pytest.raises(ExpectationError, match=r"Expected all cells .* fan-t"):
        write_expectations(tmp_path / "e.json", report.models, 0.01)
    assert not (tmp_path / "e.json").exists()
