import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmfan import cli

pytest.importorskip("cityscapesscripts")
ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, str(ROOT / "tools/prepare_cityscapes.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)


@pytest.fixture
def tree(tmp_path):
    square = {"label": "car", "polygon": [[0, 0], [3, 0], [3, 3], [0, 3]]}
    content = json.dumps({"imgWidth": 8, "imgHeight": 6, "objects": [square]})
    for split, count in (("train", 3), ("val", 1)):
        for index in range(count):
            polygons = tmp_path / f"gtFine/{split}/ulm/ulm_{index}_gtFine_polygons.json"
            image = tmp_path / f"leftImg8bit/{split}/ulm/ulm_{index}_leftImg8bit.png"
            for path in (polygons, image):
                path.parent.mkdir(parents=True, exist_ok=True)
            polygons.write_text(content)
            cv2.imwrite(str(image), np.zeros((6, 8, 3), np.uint8))
    return tmp_path


@pytest.mark.process
def test_makes_counts_and_complains(tree, main, capsys):
    done = run(tree, "--expected", "train=3", "val=1", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "polygon files: 4 converted, 0 converted before, 0 failed" in done.stdout
    assert "train: 3 pictures, 3 labels, expected 3: complete" in done.stdout
    assert "label images: 4/4" in done.stderr
    label = cv2.imread(str(tree / "gtFine/train/ulm/ulm_2_gtFine_labelTrainIds.png"), cv2.IMREAD_UNCHANGED)
    assert np.bincount(label.ravel()).nonzero()[0].tolist() == [13, 255]

    (tree / "gtFine/train/ulm/ulm_2_gtFine_labelTrainIds.png").unlink()
    assert main(tree, "--splits", "train", "val", "--check-only") == 1
    said = capsys.readouterr()
    assert "train: 3 pictures, 2 labels, expected 2975: NOT COMPLETE" in said.out
    assert "train: 1 pictures have no label: ulm/ulm_2_leftImg8bit.png." in said.err
    assert "val: expected 500 pictures, got 1." in said.err
    assert "--allow-partial" in said.err


@pytest.fixture
def main():
    """The tool's main function, called in this process: a process of its own takes seconds to import everything."""
    return lambda *arguments: cli.main(["prepare", "cityscapes", *map(str, arguments)])


@pytest.mark.process
def test_broken_file_is_named_and_partial_sets_pass(tree, main, capsys):
    broken = tree / "gtFine/val/ulm/ulm_0_gtFine_polygons.json"
    whole = broken.read_text()
    broken.write_text(whole[:20])
    assert main(tree, "--splits", "train", "val", "--allow-partial") == 1
    said = capsys.readouterr().err
    assert f"Cannot convert {broken}: JSONDecodeError" in said
    assert "val: 1 pictures have no label" in said

    broken.write_text(whole)
    assert main(tree, "--splits", "train", "val", "--allow-partial", "--workers", "1") == 0
    assert "polygon files: 1 converted, 3 converted before, 0 failed" in capsys.readouterr().out


@pytest.mark.process
def test_wrong_root(tmp_path):
    done = run(tmp_path / "nowhere")
    assert done.returncode == 2
    assert f"The folder {tmp_path}/nowhere does not exist." in done.stderr
    assert "tools/make_mini_set.py cityscapes data/mini_cityscapes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--expected", "train"], "expected SPLIT=NUMBER with a split of ['train', 'val', 'test'], got 'train'"),
        (["--workers", "0"], "expected a whole number of at least 1, got '0'"),
        (["--splits", "val", "--expected", "train=3"], "--expected names ['train'], which --splits leaves out"),
    ],
)
def test_bad_arguments(main, capsys, arguments, said):
    with pytest.raises(SystemExit) as caught:
        main("somewhere", *arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_counting_alone_makes_nothing(tree, main, capsys):
    with pytest.raises(SystemExit):
        main(tree, "--check-only", "--force", "--instances")
    assert "--check-only makes nothing: leave --force, --instances out" in capsys.readouterr().err
