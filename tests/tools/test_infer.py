"""tools/infer.py: pictures in, painted pictures out."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from helpers.kinds_of_pictures import SCENE, inflated_png, saved, scene
from helpers.tiny_segmentor import SIZE, run_tool, write_checkpoint, write_config, write_tree
from PIL import Image

from mmfan import apis
from mmfan.cli.commands import infer

pytestmark = pytest.mark.slow

PNG_WITH_FRAMES = saved(Image.fromarray(SCENE), "PNG", save_all=True, append_images=[Image.fromarray(SCENE[::-1])])
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


@pytest.mark.process
def test_a_folder_with_an_unreadable_picture(trained, tmp_path):
    """Every other picture is done; the unreadable one is named and makes the status 1."""
    pictures, config, checkpoint = trained
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "broken.jpg").write_bytes(b"\xff\xd8\xff cut")
    (bad / "inflated.png").write_bytes(inflated_png(scene("PNG"), 60000, 60000))
    (bad / "moving.png").write_bytes(PNG_WITH_FRAMES)
    done = start(config, checkpoint, bad, pictures, "--labels", "--out-dir", tmp_path / "o")
    assert done.returncode == 1
    assert "infer.py: error: " in done.stderr
    assert "broken.jpg (7 bytes) cannot be read: the JPEG is truncated" in done.stderr
    assert "3600.0 megapixels; the limit is 200" in done.stderr
    assert "it is an animated PNG" in done.stderr
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith("infer.py: ")
    assert all(str(bad / name) in last for name in ("broken.jpg", "inflated.png", "moving.png"))
    assert "Traceback" not in done.stderr
    names = [path.stem for path in sorted(pictures.iterdir())]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == sorted(
        [f"{name}.png" for name in names] + [f"{name}_labels.png" for name in names]
    )
    painted = cv2.imread(str(tmp_path / "o" / f"{names[0]}.png"))
    assert painted.shape[0] > SIZE[0]  # the legend stands below
    assert painted.shape[1] == SIZE[1]


def test_a_picture_that_the_model_cannot_take_is_not_the_end(monkeypatch, capsys, tmp_path):
    def predict_file(model, path, args):
        if path.stem in model:
            raise RuntimeError("Calculated padded input size: (1 x 502)")
        return path

    for name in ("a.png", "row.png", "z.png"):
        (tmp_path / name).write_bytes(scene("PNG"))
    monkeypatch.setattr(infer, "predict_file", predict_file)
    monkeypatch.setattr(apis, "load_config", lambda _: None)
    for bad, code in ((["row"], 1), ([], 0)):
        monkeypatch.setattr(apis, "init_model", lambda *_, bad=bad: bad)
        assert run_tool(monkeypatch, "infer.py", "config.py", "model.pth", tmp_path) in (code, code or None)
        said = capsys.readouterr()
        assert said.out.count("->") == 3 - len(bad)
        if bad:
            assert f"{tmp_path / 'row.png'}: Calculated padded input size" in said.err
            assert f"1 of 3 pictures failed: {tmp_path / 'row.png'}" in said.err
    monkeypatch.setattr(apis, "init_model", lambda *_: ["a", "row", "z"])
    with pytest.raises(RuntimeError):  # nothing worked: the model is at fault
        run_tool(monkeypatch, "infer.py", "config.py", "model.pth", tmp_path)


def test_wrong_arguments(monkeypatch, capsys, tmp_path):
    assert run_tool(monkeypatch, "infer.py", "config.py", "model.pth", "a.png", "--opacity", 2) == 2
    assert "argument --opacity: expected a number from 0 to 1, got '2" in capsys.readouterr().err
    assert run_tool(monkeypatch, "infer.py", "config.py", "model.pth", tmp_path / "a.png") == 2
    assert "infer.py: error: The picture" in capsys.readouterr().err
