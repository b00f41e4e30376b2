"""tools/infer.py: pictures in, painted pictures out."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from helpers.tiny_segmentor import SIZE, run_tool, write_checkpoint, write_config, write_tree

TOOL = Path(__file__).parents[2] / "tools" / "infer.py"


def start(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    data = write_tree(folder / "data")
    config = write_config(folder / "tiny.py", data)
    return data / "leftImg8bit" / "val" / "town", config, write_checkpoint(folder / "tiny.pth", config)


def test_a_folder_with_an_unreadable_picture(trained, tmp_path):
    """Every other picture is done; the unreadable one is named and makes the status 1."""
    pictures, config, checkpoint = trained
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 cut")
    done = start(config, checkpoint, pictures, tmp_path / "broken.jpg", "--labels", "--out-dir", tmp_path / "o")
    assert done.returncode == 1
    assert "infer.py: error: " in done.stderr
    assert "broken.jpg (6 bytes) cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
    names = [path.stem for path in sorted(pictures.iterdir())]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == sorted(
        [f"{name}.png" for name in names] + [f"{name}_labels.png" for name in names]
    )
    painted = cv2.imread(str(tmp_path / "o" / f"{names[0]}.png"))
    assert painted.shape[0] > SIZE[0]  # the legend stands below
    assert painted.shape[1] == SIZE[1]


def test_wrong_arguments(monkeypatch, capsys, tmp_path):
    assert run_tool(monkeypatch, "infer.py", "config.py", "model.pth", "a.png", "--opacity", 2) == 2
    assert "argument --opacity: expected 0 to 1, got 2.0" in capsys.readouterr().err
    assert run_tool(monkeypatch, "infer.py", "config.py", "model.pth", tmp_path / "a.png") == 2
    assert "infer.py: error: The picture" in capsys.readouterr().err
