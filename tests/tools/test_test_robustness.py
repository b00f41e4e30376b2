"""tools/test_robustness.py as its users start it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tiny_robustness import CELLS, write_parts
from helpers.tiny_segmentor import run_tool

pytestmark = [pytest.mark.process, pytest.mark.slow]

TOOL = Path(__file__).parents[2] / "tools" / "test_robustness.py"
CELL_OPTIONS = ["--corruptions", "contrast", "gaussian_noise", "--severities", "2", "5"]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_judges_prints_a_table_and_goes_on(parts, tmp_path, monkeypatch, capsys):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    first = [*parts, "--work-dir", tmp_path, "--corruptions", "contrast", "--severities", "2", "5", "--workers", "0"]
    done = subprocess.run(
        [sys.executable, str(TOOL), *map(str, first)],
        capture_output=True, text=True, env=environment, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    results = tmp_path / "robustness.jsonl"
    before = lines(results)
    assert [(line["corruption"], line["severity"]) for line in before] == CELLS[:3]
    table, _, above, last = done.stdout.splitlines()[-4:]
    assert above == "Tables and plots:"
    assert f"Results: {results}\n" in done.stdout
    recalls, scores = before[0]["per_class"]["Acc"], before[0]["per_class"]["IoU"]
    held = [name for name, recall in recalls.items() if recall is not None]
    clean = sum(scores[name] for name in held) / len(held)
    assert table.startswith("| tiny ")
    assert f"{100 * clean:.1f}" in table
    assert last == f"  python {TOOL.with_name('report.py')} {results}"
    assert "where the time went: " in done.stdout + done.stderr
    second = [*parts, "--work-dir", tmp_path, *CELL_OPTIONS, "--workers", "0"]
    assert run_tool(monkeypatch, "test_robustness.py", *second) == 0
    assert [(line["corruption"], line["severity"]) for line in lines(results)] == CELLS
    assert lines(results)[:3] == before
    assert "3 of 5 cells are in" in "".join(capsys.readouterr())


def test_dry_run_lists_cells_and_estimates(parts, tmp_path, monkeypatch, capsys):
    arguments = ["--work-dir", tmp_path, "--dry-run", "--limit", "2", "--workers", "0", *CELL_OPTIONS]
    assert run_tool(monkeypatch, "test_robustness.py", *parts, *arguments) == 0
    said = capsys.readouterr().out
    assert "custom: 4 cells and the clean pictures, 2 pictures each\n  contrast: 2, 5\n  gaussian_noise: 2, 5" in said
    assert "s for 5 cells with 0 loading processes: a picture takes the model" in said
    assert not (tmp_path / "robustness.jsonl").exists()
    assert run_tool(monkeypatch, "test_robustness.py", parts[0], *arguments[:3]) == 0
    said = capsys.readouterr().out
    assert "kamann16: 72 cells and the clean pictures, 3 pictures each" in said
    assert "With a checkpoint, a few pictures would be timed" in said


def test_a_protocol_from_a_file(parts, tmp_path, monkeypatch, capsys):
    (tmp_path / "p.json").write_text('{"name": "night", "corruptions": {"brightness": [1], "fog": [2, 3]}}')
    arguments = ["--work-dir", tmp_path, "--dry-run", "--protocol", tmp_path / "p.json"]
    assert run_tool(monkeypatch, "test_robustness.py", parts[0], *arguments) == 0
    assert "night: 3 cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: checkpoint"),
        (["--dry-run", "--protocol", "kaman16"], "Did you mean 'kamann16'"),
        (["--dry-run", "--corruptions", "fogg"], "did you mean 'fog'"),
        (["--dry-run", "--severities", "1"], "--severities needs --corruptions"),
        (["--dry-run", "--protocol", "all19", "--corruptions", "fog"], "not both"),
        (["--dry-run", "--corrupted-root", "/nowhere"], "/nowhere does not exist"),
        (["--dry-run", "--source", "disk"], "source='disk' with `corrupted_root`"),
        (["--dry-run", "--limit", "0"], "argument --limit: expected a whole number of at least 1"),
        (["--dry-run", "--workers", "-1"], "argument --workers: expected a whole number of at least 0"),
        (["nothing.pth"], "nothing.pth does not exist"),
        (["--dry-run", "--protocol", "nothing.json"], "nothing.json"),
    ],
)
def test_mistakes_end_with_one_line(parts, tmp_path, monkeypatch, capsys, arguments, message):
    assert run_tool(monkeypatch, "test_robustness.py", parts[0], *arguments, "--work-dir", tmp_path) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("test_robustness.py: error: ")
    assert message in last


def test_results_of_no_use_end_with_one_line(parts, tmp_path, monkeypatch, capsys):
    (tmp_path / "r.jsonl").write_text("nonsense\n")
    arguments = ["--results", tmp_path / "r.jsonl", "--work-dir", tmp_path, *CELL_OPTIONS]
    assert run_tool(monkeypatch, "test_robustness.py", *parts, *arguments) == 1
    assert "r.jsonl, line 1: not a line of JSON" in capsys.readouterr().err.splitlines()[-1]
