"""The command line of the table of evidence: what its options are of, and costs that are measured and kept at once."""

import json
import re
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.evidence import write

from mmfan import cli
from mmfan.benchmark.robust import costs, rows
from mmfan.benchmark.robust.alone import alone
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
    (out / "costs.json").unlink()
    page.write_text("<!-- evidence yardstick -->\n<!-- end yardstick -->\n", encoding="utf-8")
    more = ["--keep", str(kept), "--page", str(page)]
    with pytest.raises(SystemExit):
        cli.main(["bench", "robust", "--costs", "--out", str(out), *more])
    assert "holds no finished row" in capsys.readouterr().err
    write(out, "cwfa-0", 0.5, 0.3, config=CONFIG)
    assert cli.main(["bench", "robust", "--costs", "--out", str(out), *more]) == 0
    assert asked == [(list(ARMS), "c", 2), (list(ARMS), CONFIG, 6)]  # nothing was measured for no table
    assert json.loads((kept / "costs.json").read_text())["config"] == CONFIG
    assert "| 1.25 |" in capsys.readouterr().out
    assert "| 1.25 |" in page.read_text(encoding="utf-8")


def test_costs_that_would_be_refused_are_not_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(costs, "measure_costs", pytest.fail)
    out, kept = tmp_path / "out", tmp_path / "kept"
    command = ["bench", "robust", "--costs", "--out", str(out), "--config"]
    for folder in (out, kept):
        folder.mkdir()
        write(folder, "cwfa-0", 0.5, 0.3, config="fan_a")
    measured = '{"config": "fan_a", "arms": {"apr": {"seconds": 1.5}}}'
    (out / "costs.json").write_text(measured)
    for more, message in (
        (["fan_b"], "out/cwfa-0 holds a training of fan_a, not of fan_b: give another --out, or --config fan_a"),
        (
            ["fan_a", "--keep", str(kept)],
            "Expected costs measured with fan_c, as those of .*kept/costs.json .* of fan_a",
        ),
    ):
        (kept / "costs.json").write_text(measured.replace("fan_a", "fan_c"))
        with pytest.raises(SystemExit) as stopped:
            cli.main([*command, *more])
        assert stopped.value.code == 2
        assert re.search(message, capsys.readouterr().err)
    assert (out / "costs.json").read_text() == measured


def test_costs_of_the_baseline_alone_are_a_mistake(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bench", "robust", "--costs", "--arms", "baseline", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "Expected an arm beside the baseline" in capsys.readouterr().err


def test_a_page_is_filled_with_all_that_was_kept_meanwhile(tmp_path):
    """Who fills the page second waits before it keeps: else the first would fill it with a table that lacks a row."""
    out, kept, page = tmp_path / "out", tmp_path / "kept", tmp_path / "page.md"
    out.mkdir()
    write(out, "cwfa-0", 0.5, 0.3)
    page.write_text("<!-- evidence yardstick -->\n<!-- end yardstick -->\n", encoding="utf-8")
    command = ["bench", "robust", "--out", str(out), "--keep", str(kept), "--page", str(page)]
    with ThreadPoolExecutor(1) as pool:
        with alone(tmp_path / ".page.md.lock", "the page", wait=True):
            filling = pool.submit(cli.main, command)
            with pytest.raises(futures.TimeoutError):
                filling.result(0.5)
            assert not kept.exists()
        assert filling.result(30) == 0
    assert page.read_text(encoding="utf-8").count("| cwfa ") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "out", "page.md"]
