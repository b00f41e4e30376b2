"""tools/test.py: scores, label maps and painted pictures from a checkpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tiny_segmentor import SIZE, run_tool, write_checkpoint, write_config, write_tree

pytestmark = pytest.mark.slow

TOOL = Path(__file__).parents[2] / "tools" / "test.py"


def start(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


@pytest.mark.process
def test_writes_scores_label_maps_and_pictures(tmp_path):
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data"))
    checkpoint = write_checkpoint(tmp_path / "tiny.pth", config)
    folders = [tmp_path / "w", tmp_path / "labels", tmp_path / "painted"]
    done = start(config, checkpoint, "--work-dir", folders[0], "--out", folders[1], "--show-dir", folders[2], "--tta")
    assert done.returncode == 0, done.stderr[-3000:]
    (scores,) = folders[0].glob("*/*.json")
    assert set(json.loads(scores.read_text())) >= {"mIoU", "aAcc", "mAcc"}
    for index in (0, 1):
        name = f"town_{index:06d}_000000_leftImg8bit.png"
        labels = cv2.imread(str(folders[1] / name), cv2.IMREAD_UNCHANGED)
        assert labels.shape == SIZE
        assert set(np.unique(labels)) <= {*range(7, 34)}  # label ids
        assert cv2.imread(str(folders[2] / name)).shape == (*SIZE, 3)


def test_a_truncated_checkpoint_ends_with_one_message(tmp_path, monkeypatch, capsys):
    config = write_config(tmp_path / "tiny.py", tmp_path / "data")
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04 and no more")
    assert run_tool(monkeypatch, "test.py", config, tmp_path / "cut.pth", "--work-dir", tmp_path / "w") == 2
    message = capsys.readouterr().err
    assert message.splitlines()[-1].startswith("test.py: error: ")
    assert "cut.pth" in message.splitlines()[-1]


def test_numbers_need_label_maps(tmp_path, monkeypatch, capsys):
    assert run_tool(monkeypatch, "test.py", tmp_path / "c.py", tmp_path / "c.pth", "--ids", "train") == 2
    assert "argument --ids: says what label maps hold, which --out DIR writes" in capsys.readouterr().err


@pytest.mark.process
def test_predictions_of_many_cells_are_not_written_over_each_other(tmp_path, monkeypatch, capsys):
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data"))
    checkpoint = write_checkpoint(tmp_path / "tiny.pth", config)
    options = ["--out", tmp_path / "out", "--cfg-options", "test_cfg.type=mmfan.RobustnessLoop"]
    assert run_tool(monkeypatch, "test.py", config, checkpoint, "--work-dir", tmp_path / "w", *options) == 2
    assert "--pictures N" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
