import subprocess
import sys
from pathlib import Path

import pytest

from mmfan import cli

TOOL = Path(__file__).resolve().parents[2] / "tools" / "make_mini_set.py"


def run(*arguments):
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def main():
    """What the command line runs, without a new interpreter for each case."""
    return lambda arguments: cli.main(["mini", *arguments])


@pytest.mark.process
def test_draws_a_set_and_then_says_it_is_there(tmp_path, main, capsys):
    target = tmp_path / "mini"
    arguments = ["cityscapes", str(target), "--train", "3", "--val", "1", "--size", "128", "64", "--workers", "2"]
    first = run(*arguments)
    assert first.returncode == 0, first.stderr
    assert "3 train + 1 val pictures in" in first.stdout
    assert "pictures: 4/4, " in first.stderr
    assert len(list(target.rglob("*.png"))) == 4 * 5
    assert main(arguments) == 0
    assert "already complete, nothing to do" in capsys.readouterr().out


def test_draws_coco(tmp_path, main, capsys):
    target = tmp_path / "mini"
    arguments = ["coco", str(target), "--train", "2", "--val", "1", "--size", "128", "64", "--workers", "1"]
    assert main(arguments) == 0
    assert "2 train + 1 val pictures in" in capsys.readouterr().out
    assert len(list(target.glob("*2017/*.png"))) == 3
    assert len(list(target.glob("annotations/*.json"))) == 2
    assert main(arguments) == 0
    assert "already complete" in capsys.readouterr().out


@pytest.mark.process
def test_a_bad_argument_ends_with_one_line_and_code_2(tmp_path):
    (tmp_path / "file").write_text("x")
    result = run("cityscapes", tmp_path / "file")
    assert result.returncode == 2
    assert f"error: {tmp_path / 'file'} is a file, not a folder" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cityscapes", "T", "--size", "0", "256"), "at least 64 each, but got 0 x 256"),
        (("cityscapes", "T", "--train", "-1"), "argument --train: expected a whole number of at least 0, got '-1'"),
        (("cityscapes", "T", "--size", "512"), "expected 2 arguments"),
        (("cityscapes", "T", "--tran", "3"), "unrecognized arguments: --tran 3"),
        (("kitti", "T"), "invalid choice: 'kitti'"),
        (("coco", "T", "--val", "-2"), "argument --val: expected a whole number of at least 0, got '-2'"),
        (("cityscapes", "."), "exists and is not a miniature set"),
    ],
)
def test_each_bad_argument_is_named(tmp_path, monkeypatch, main, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
