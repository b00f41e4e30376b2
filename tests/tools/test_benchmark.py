"""tools/benchmark.py as a user runs it; never its speed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tiny_segmentor import run_tool

pytestmark = [pytest.mark.process, pytest.mark.slow]

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


def test_corruptions_beside_the_reference(tmp_path) -> None:
    pytest.importorskip("imagecorruptions")
    table, figures = tmp_path / "table.md", tmp_path / "figures.json"
    options = ("--size", "256x128", "--repeats", 2, "--severity", "all", "--only", "fog", "contrast")
    done = run("corruptions", *options, "--markdown", table, "--json", figures)
    assert done.returncode == 0, done.stderr
    assert table.read_text() == done.stdout
    assert "256x128" in done.stdout
    for severity in range(1, 6):
        assert f"| severity {severity} " in done.stdout
    result = json.loads(figures.read_text())
    assert [(entry["corruption"], entry["severity"]) for entry in result["corruptions"][4:6]] == [
        ("fog", 5),
        ("contrast", 1),
    ]
    assert all(len(entry[form]) == 2 for entry in result["corruptions"] for form in ("reference", "mmfan", "png"))
    assert "fog 5: reference" in done.stderr


def test_corruptions_need_no_torch() -> None:
    code = """
import sys
sys.modules["torch"] = None
sys.argv = ["benchmark.py", "corruptions", "--help"]
import runpy
import mmfan.benchmark.corruptions
runpy.run_path("tools/benchmark.py", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "--severity" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["corruptions", "--severity", "6"], "expected a severity from 1 to 5 or 'all', but got '6'"),
        (["corruptions", "--size", "20"], "expected WIDTHxHEIGHT such as 2048x1024, but got '20'"),
        (["corruptions", "--size", "20x20"], "but got 20 x 20."),
        (["corruptions", "--json", "no/such/folder/x.json"], "does not exist: make it first"),
        (["--threads", "1", "corruptions"], "benchmark.py corruptions ..."),
        (["detection", "--size", "1333x800"], "positive multiples of 32, but got 1333 x 800."),
        (["--size", "65"], "Expected a picture side that is a positive multiple of 16, but got 65."),
        (["--repeats", "0"], "argument --repeats: expected a whole number of at least 1, got '0'"),
        (["inference", "--json", "no/such/folder/x.json"], "does not exist: make it first"),
    ],
)
def test_bad_arguments(arguments, message, monkeypatch, capsys) -> None:
    assert run_tool(monkeypatch, "benchmark.py", *arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err.splitlines()[-1]
    assert "Traceback" not in printed.err
    assert printed.out == ""
