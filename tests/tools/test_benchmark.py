"""tools/benchmark.py as a user runs it; never its speed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tools" / "benchmark.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


def test_a_small_inference(tmp_path) -> None:
    pytest.importorskip("mmseg")
    table, figures = tmp_path / "table.md", tmp_path / "figures.json"
    done = run("inference", "--size", 64, "--repeats", 1, "--threads", 1, "--markdown", table, "--json", figures)
    assert done.returncode == 0, done.stderr
    assert table.read_text() == done.stdout
    rows = [line for line in done.stdout.splitlines() if line.startswith("| inference 64x64")]
    assert [row.split("|")[2].strip() for row in rows] == ["plain", "mmfan"]
    (result,) = json.loads(figures.read_text())["comparisons"]
    assert result["relative_error"] < 1e-5
    # Both forms do the same convolutions in the stem, mmfan fewer operations in all.
    assert 0 < result["mmfan"]["operations"]["total"] < result["plain"]["operations"]["total"]
    assert "same function" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "65"], "Expected a picture side that is a positive multiple of 16, but got 65."),
        (["--repeats", "0"], "argument --repeats: expected a whole number of at least 1, but got '0'"),
        (["inference", "--json", "no/such/folder/x.json"], "does not exist: make it first"),
    ],
)
def test_bad_arguments(arguments, message) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
