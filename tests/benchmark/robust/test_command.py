"""The command line of the table of evidence: what its options are of, and costs that are measured and kept at once."""

import json

import pytest
from helpers.evidence import write

from mmfan import cli
from mmfan.benchmark.robust import costs, rows
from mmfan.benchmark.robust.arms import ARMS, CONFIG


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["cwfa", "--costs"], "ARM makes one row"),
        (["cwfa", "--keep", "kept"], "ARM makes one row"),
        (["cwfb"], "invalid choice: 'cwfb'"),
        (["--seed", "0"], "--seed is of no use without ARM"),
        (["--costs", "--limit", "26"], "--limit is of no use without ARM"),
        (["--keep", "kept", "--seed", "1", "--protocol", "kamann16"], "--seed, --protocol is of no use without ARM"),
        (["--config", CONFIG], "--config is of no use without ARM or --costs"),
        (["cwfa", "--rounds", "6"], "--rounds is of no use without --costs"),
        (["--arms", "cwfa"], "--arms is of no use without --costs"),
        (["--block", "full"], "--block is of no use without --page"),
    ],
)
def test_a_command_that_contradicts_itself(tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bench", "robust", *more, "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], (0, CONFIG, "severity3", 26)),
        (["--seed", "2", "--config", "c", "--protocol", "kamann16", "--limit", "5"], (2, "c", "kamann16", 5)),
    ],
)
def test_the_options_of_an_arm(tmp_path, monkeypatch, more, expected):
    made = []
    monkeypatch.setattr(rows, "make_row", lambda *args: made.append(args[:-1]))
    assert cli.main(["bench", "robust", "cwfa", "--out", str(tmp_path), *more]) == 0
    seed, *rest = expected
    assert made == [("cwfa", seed, tmp_path, *rest)]


def test_costs_are_measured_and_then_kept_and_told(tmp_path, monkeypatch, capsys):
    asked = []

    def measure(arms, config, rounds, say):
        asked.append((list(arms), config, rounds))
        yield {"config": config, "rounds": rounds, "arms": {"cwfa": {"seconds": 1.25}}}

    monkeypatch.setattr(costs, "measure_costs", measure)
    out, kept, page = tmp_path / "out", tmp_path / "kept", tmp_path / "page.md"
    assert cli.main(["bench", "robust", "--costs", "--out", str(out), "--config", "c", "--rounds", "2"]) == 0
    assert capsys.readouterr().out == ""
    page.write_text("<!-- evidence yardstick -->\n<!-- end yardstick -->\n", encoding="utf-8")
    more = ["--keep", str(kept), "--page", str(page)]
    with pytest.raises(SystemExit):
        cli.main(["bench", "robust", "--costs", "--out", str(out), *more])
    assert "holds no finished row" in capsys.readouterr().err
    write(out, "cwfa-0", 0.5, 0.3)
    assert cli.main(["bench", "robust", "--costs", "--out", str(out), *more]) == 0
    assert asked == [(list(ARMS), "c", 2), (list(ARMS), CONFIG, 6)]  # nothing was measured for no table
    assert json.loads((kept / "costs.json").read_text())["config"] == CONFIG
    assert "| 1.25 |" in capsys.readouterr().out
    assert "| 1.25 |" in page.read_text(encoding="utf-8")
