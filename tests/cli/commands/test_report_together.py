"""`mmfan report` on many results: columns, groups, leaderboards, cards; each with an argument that is refused."""

import csv
import io
import json

import pytest
from helpers.small_results import PROTOCOL, SCORES, records, write

from mmfan.cli import main
from mmfan.evaluation.protocol import PROTOCOLS


@pytest.fixture
def results(tmp_path):
    """Two seeds of one method, and another: retention 50, 50 and 60."""
    steady = {("clean", 0): 0.5, ("fog", 1): 0.3, ("fog", 2): 0.3, ("contrast", 1): 0.3}
    found = {"fan_s0": SCORES, "fan_s1": {cell: score * 0.75 for cell, score in SCORES.items()}, "b0": steady}
    return [
        str(
            write(
                tmp_path / f"{name}.jsonl", records(name, scores, protocol=PROTOCOL, checkpoint_hash=f"{name}-weights")
            )
        )
        for name, scores in found.items()
    ]


def run(*arguments):
    return main(["report", *map(str, arguments)])


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_columns(results, capsys):
    assert run(*results, "--columns", "fog", "Worst-type", "--format", "csv") == 0
    first, *_ = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert first == {"model": "fan_s0", "fog": "0.5", "worst type": "contrast", "worst type:score": "0.3"}
    assert run(results[0], "--columns", "severity 2", "retention") == 0
    assert "| model  | severity 2 | retention |" in capsys.readouterr().out
    said = refused(capsys, *results, "--columns", "fogg")
    assert "There is no column 'fogg'. Did you mean 'fog'? There are model, protocol, data set, cells, clean," in said
    assert "--columns is of tables" in refused(capsys, results[0], "--columns", "fog", "--format", "json")


def test_latex(results, capsys, tmp_path):
    assert run(*results, "--format", "latex", "--columns", "retention", "--out", tmp_path / "t.tex") == 0
    assert "model & retention \\\\\n\\midrule\nfan\\_s0 & 50.0 \\\\" in (tmp_path / "t.tex").read_text()
    assert "b0 & \\textbf{60.0} \\\\" in (tmp_path / "t.tex").read_text()


def test_groups(results, capsys):
    assert run(*results, "--group", "fan=fan_s*") == 0
    assert "| fan (n = 2) | small    |     3 | 70.0 ± 14.1 | 35.0 ± 7.1 | 50.0 ± 0.0 |" in capsys.readouterr().out
    assert "There is no run 'fan_x*' for the group 'fan'." in refused(capsys, *results, "--group", "fan=fan_x*")
    assert "--leaderboard, --group and --card need every cell" in refused(
        capsys, *results, "--group", "fan=fan_s*", "--partial"
    )


def test_leaderboard(results, capsys, tmp_path):
    assert run(*results, "--leaderboard") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("| b0", "| fan"))]
    assert [line.split("|")[1].strip() for line in lines[:3]] == ["b0", "fan_s0", "fan_s1"]
    assert (
        run(*results, "--leaderboard", "--sort", "corrupted", "--group", "fan=fan_s0,fan_s1", "--format", "json") == 0
    )
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["ranking"]] == ["fan", "b0"]
    assert run(*results, "--leaderboard", "--format", "html", "--out", tmp_path / "board.html") == 0
    assert "Leaderboard" in (tmp_path / "board.html").read_text()
    assert "--sort needs --leaderboard" in refused(capsys, *results, "--sort", "clean")
    level5 = dict.fromkeys([("clean", 0), *PROTOCOLS["level5"].cells], 0.5)
    other = write(tmp_path / "other.jsonl", records("other", level5, protocol="level5"))
    said = refused(capsys, *results, other, "--leaderboard")
    assert "The 4 models have no protocol in common (fan_s0.jsonl: fan_s0, small;" in said
    assert "other.jsonl: other, level5" in said


@pytest.mark.filterwarnings("default:.*does not say which cells")
def test_a_run_without_some_of_the_expected_cells(results, capsys, tmp_path):
    expected = tmp_path / "expected.json"
    even = records("m", {**SCORES, ("contrast", 2): 0.3})
    whole, short = write(tmp_path / "whole.jsonl", even), write(tmp_path / "short.jsonl", even[:-1])
    longer = write(tmp_path / "longer.jsonl", even, records("m", {("snow", 1): 0.1}))
    assert run(whole, "--protocol", "recorded", "--write-expect", expected) == 0
    for protocol in ([], ["--protocol", "recorded"]):
        assert run(whole, *protocol, "--expect", expected) == 0
        assert run(longer, *protocol, "--expect", expected) == 0  # over the expected cells alone
        capsys.readouterr()
        assert run(short, *protocol, "--expect", expected) == 1
        said = capsys.readouterr().err
        assert "differs: m: 3 of the 4 cells of 'recorded' are there for the model 'm'; missing: contrast 2." in said
    # a file of the older form has the name alone
    content = json.loads(expected.read_text())
    expected.write_text(json.dumps({**content, "protocol": "recorded"}))
    capsys.readouterr()
    assert run(whole, "--expect", expected) == 0
    assert "does not say which cells its scores were made of" in capsys.readouterr().err


def test_a_card_and_its_check(results, capsys, tmp_path):
    card = tmp_path / "card.json"
    assert run(results[0], "--card", card) == 0
    assert f"wrote {card}" in capsys.readouterr().err
    assert run(results[0], "--check", card) == 0
    out = capsys.readouterr().out
    assert out.startswith("equal: fan_s0 and the card of fan_s0 (mIoU, small, 3 cells; 2 of 9 facts stated; ")
    # of several models the one of the card's name
    assert run(*results, "--check", card) == 0
    assert run(results[1], "--check", card, "--tolerance", "0.01") == 1
    captured = capsys.readouterr()
    assert "differs: checkpoint_hash is fan_s1-weights, the card has fan_s0-weights" in captured.err
    assert "differs: fan_s1: clean is 0.6, expected 0.8 +- 0.01 (-0.190000 beyond)" in captured.err
    assert "differs: fan_s1: retention" not in captured.err
    assert captured.out.splitlines()[-1].endswith("scores within 0.01)")


def test_cards_that_cannot_be(results, capsys, tmp_path):
    card = tmp_path / "card.json"
    said = refused(capsys, *results, "--card", card)
    assert "A card is of one run; the results have 'fan_s0', 'fan_s1', 'b0'. Choose one: --model." in said
    assert not card.exists()
    card.write_text("{}")
    assert "is no results card: it has no `mmfan_card`" in refused(capsys, results[0], "--check", card)
    assert "take --check or --metric, not both" in refused(capsys, results[0], "--check", card, "--metric", "mIoU")
    assert "none.json" in refused(capsys, results[0], "--check", tmp_path / "none.json")
