"""tools/show_predictions.py: a grid of input, truth and prediction."""

import cv2
import pytest
from helpers.tiny_segmentor import run_tool, write_checkpoint, write_config, write_tree

pytestmark = pytest.mark.slow


def test_writes_one_picture(tmp_path, monkeypatch, capsys):
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data"))
    checkpoint = write_checkpoint(tmp_path / "tiny.pth", config)
    arguments = ["show_predictions.py", config, checkpoint, "--out", tmp_path / "grid.png", "--count", 2]
    assert run_tool(monkeypatch, *arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "grid.png")
    assert cv2.imread(str(tmp_path / "grid.png")).shape[1] > 1000


def test_wrong_arguments(tmp_path, monkeypatch, capsys):
    assert run_tool(monkeypatch, "show_predictions.py", "c.py", "m.pth", "--out", "a.png", "--count", 0) == 2
    assert "argument --count: expected a whole number of at least 1, got '0'" in capsys.readouterr().err
    assert run_tool(monkeypatch, "show_predictions.py", "c.py", "m.pth", "--out", "a.jpg") == 2
    assert "argument --out: expected a name that ends in .png, got a.jpg" in capsys.readouterr().err
    assert run_tool(monkeypatch, "show_predictions.py", tmp_path / "c.py", "m.pth", "--out", "a.png") == 2
    assert "show_predictions.py: error: The config" in capsys.readouterr().err
