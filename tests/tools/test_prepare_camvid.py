import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmfan import cli

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, str(ROOT / "tools/prepare_camvid.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)


@pytest.fixture
def source(tmp_path):
    for folder, pixels in (("train", np.zeros((4, 6, 3), np.uint8)), ("trainannot", np.full((4, 6), 8, np.uint8))):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels).save(tmp_path / folder / "0001TP_006690.png")
    return tmp_path


def test_writes_the_tree(source, tmp_path, capsys):
    # in this process: one of its own takes seconds to import everything
    assert cli.main(["prepare", "camvid", str(source), str(tmp_path / "out")]) == 0
    assert f"train: 1 pairs in {tmp_path}/out" in capsys.readouterr().out
    label = np.asarray(Image.open(tmp_path / "out/gtFine/train/0001tp/0001TP_006690_gtFine_labelTrainIds.png"))
    assert np.unique(label).tolist() == [13]


@pytest.mark.process
def test_wrong_labels(source, tmp_path):
    Image.fromarray(np.full((4, 6), 255, np.uint8)).save(source / "trainannot/0001TP_006690.png")
    done = run(source, tmp_path / "out")
    assert done.returncode == 2
    assert f"{source}/trainannot/0001TP_006690.png does not fit the kind of labels given: ids [255]" in done.stderr
    assert "(see --labels)" in done.stderr
    assert "Traceback" not in done.stderr
