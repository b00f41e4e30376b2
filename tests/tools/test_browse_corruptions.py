"""tools/browse_corruptions.py: a picture in, a sheet out."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tiny_segmentor import run_tool

TOOL = Path(__file__).parents[2] / "tools" / "browse_corruptions.py"


@pytest.fixture
def street(tmp_path):
    path = tmp_path / "strasse mit ü.png"
    content = cv2.imencode(".png", np.random.default_rng(0).integers(0, 256, (48, 96, 3), dtype=np.uint8))[1]
    path.write_bytes(content.tobytes())
    return path


@pytest.mark.process
@pytest.mark.slow
def test_as_a_command(street, tmp_path):
    (tmp_path / "own.py").write_text(
        "from mmfan.corruptions import register_corruption\n"
        "register_corruption('inverted', lambda image, severity, seed: 255 - image, severities=(1,), group='tone')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(TOOL), str(street), "--corruptions", "noise", "tone", "--import", "own"]
    command += ["--out", str(tmp_path / "made" / "sheet.png"), "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'made' / 'sheet.png'}\n"
    sheet = cv2.imread(str(tmp_path / "made" / "sheet.png"))
    assert sheet.shape[0] > 48 + 5 * 48  # the clean picture and five rows
    assert sheet.shape[1] > 5 * 96
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["sheet.png"]


def test_jpeg_and_seed(street, tmp_path, monkeypatch, capsys):
    sheets = []
    for name, seed in (("a.jpg", 0), ("b.jpg", 0), ("c.jpg", 1)):
        target = tmp_path / name
        arguments = (street, "--corruptions", "impulse_noise", "--seed", seed, "--tile-width", 64, "--out", target)
        assert run_tool(monkeypatch, "browse_corruptions.py", *arguments) == 0
        sheets.append(target.read_bytes())
    assert sheets[0] == sheets[1]
    assert sheets[0] != sheets[2]
    assert sheets[0].startswith(b"\xff\xd8")
    assert "corruptions: 5/5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--corruptions", "fogg"], "There is no corruption or group 'fogg'. Did you mean 'fog'"),
        (["--out", "sheet.gif"], "argument --out: expected a name that ends in .png or .jpg, got sheet.gif"),
        (["--tile-width", 10], "argument --tile-width: expected at least 64, got 10"),
        (["--seed", -1], "argument --seed: expected a whole number of at least 0"),
        (["--import", "no_such_module_anywhere"], "No module named 'no_such_module_anywhere'"),
        (["--corruption", "fog"], "unrecognized arguments: --corruption"),
    ],
)
def test_wrong_arguments(street, monkeypatch, capsys, arguments, said):
    assert run_tool(monkeypatch, "browse_corruptions.py", street, *arguments) == 2
    assert said in capsys.readouterr().err


def test_wrong_pictures(street, tmp_path, monkeypatch, capsys):
    cut = tmp_path / "cut.png"
    cut.write_bytes(street.read_bytes()[:3000])
    tiny = tmp_path / "tiny.png"
    cv2.imwrite(str(tiny), np.zeros((8, 40, 3), np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    for path, said in (
        (cut, "cut.png cannot be used: the PNG is truncated"),
        (tiny, "tiny.png cannot be used: Expected both sides to be at least 32 pixels"),
        (tmp_path / "notes.txt", "notes.txt cannot be used: it is not a picture"),
        (tmp_path / "none.png", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        assert run_tool(monkeypatch, "browse_corruptions.py", path, "--out", tmp_path / "sheet.png") == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "sheet.png").exists()
    (tmp_path / "sheet.png").mkdir()
    arguments = (street, "--corruptions", "contrast", "--out", tmp_path / "sheet.png")
    assert run_tool(monkeypatch, "browse_corruptions.py", *arguments) == 2
    assert f"error: Is a directory: '{tmp_path / 'sheet.png'}'" in capsys.readouterr().err
