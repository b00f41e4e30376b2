"""Pictures beside the results."""

import numpy as np
import pytest
from PIL import Image

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.results.picture_writer import PictureWriter

FOG = Cell("fog", 3)


def test_forms_and_places(tmp_path):
    writer = PictureWriter(tmp_path / "r.jsonl", "a/b", [(9, 8, 7), (1, 2, 3)])
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[..., 0] = 200  # blue, as OpenCV has it
    labels = np.array([[0, 1], [255, 1]])
    writer.write_input(FOG, "val/x.jpg", picture)
    writer.write_prediction(FOG, "val/x.jpg", labels)
    writer.write_truth("val/x.jpg", labels)
    root = tmp_path / "r.jsonl.pictures"
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*") if path.is_file())
    assert found == ["a_b~c14cddc033f6/fog-3/val/x.png", "input/fog-3/val/x.png", "truth/val/x.png"]
    with Image.open(root / found[1]) as shown:
        assert shown.getpixel((0, 0)) == (0, 0, 200)
    for place in (found[0], found[2]):
        with Image.open(root / place) as shown:
            assert np.asarray(shown).tolist() == labels.tolist()
            assert shown.convert("RGB").getpixel((1, 0)) == (1, 2, 3)


def test_painted_objects_stay_as_they_are(tmp_path):
    writer = PictureWriter(tmp_path / "r.jsonl", "m", [(9, 8, 7)])
    painted = np.full((4, 6, 3), (200, 10, 0), np.uint8)
    writer.write_prediction(FOG, "x.png", painted)
    writer.write_truth("x.png", np.full((1200, 2048, 3), 5, np.uint8))
    with Image.open(tmp_path / "r.jsonl.pictures/m/fog-3/x.png") as shown:
        assert (shown.mode, shown.size, shown.getpixel((0, 0))) == ("RGB", (6, 4), (200, 10, 0))
    with Image.open(tmp_path / "r.jsonl.pictures/truth/x.png") as shown:
        assert (shown.size, shown.getpixel((9, 9))) == ((1024, 600), (5, 5, 5))


@pytest.mark.parametrize("model", ["..", ".", "", "input", "Input", "truth", "a/../..", "/x", "x\x00y", "n" * 300])
def test_no_name_leaves_its_folder_or_meets_another(tmp_path, model):
    writer = PictureWriter(tmp_path / "r.jsonl", model, [(9, 8, 7)])
    root = tmp_path / "r.jsonl.pictures"
    writer.write_input(FOG, "x.png", np.full((4, 6, 3), 9, np.uint8))
    writer.write_truth("x.png", np.zeros((4, 6), int))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    writer.write_prediction(FOG, "x.png", np.ones((4, 6), int))
    after = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    (new,) = after.keys() - before.keys()
    assert new.parents[2] == root
    assert {path: after[path] for path in before} == before
    assert list(tmp_path.iterdir()) == [root]


def test_names_of_pictures_that_differ_in_little(tmp_path):
    names = ["a/x.png", "a/x.jpg", "b/../x.png", "b/y.png", "b/.png"]
    writer = PictureWriter(tmp_path / "r.jsonl", "m", [], names)
    for name in names:
        writer.write_truth(name, np.zeros((4, 6), int))
    root = tmp_path / "r.jsonl.pictures/truth"
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    assert len(found) == 5
    assert found[:2] == ["a/x.jpg.png", "a/x.png.png"]
    assert "b/y.png" in found


def test_large_and_grey_pictures(tmp_path):
    writer = PictureWriter(tmp_path / "r.jsonl", "m", [])
    writer.write_input(FOG, "x.png", np.full((1000, 2048), 77, np.uint8))
    labels = np.zeros((1000, 2048), np.uint8)
    labels[:, 1024:] = 18
    writer.write_prediction(FOG, "x.png", labels)
    with Image.open(tmp_path / "r.jsonl.pictures/input/fog-3/x.png") as shown:
        assert (shown.size, shown.getpixel((5, 5))) == ((1024, 500), (77, 77, 77))
    with Image.open(tmp_path / "r.jsonl.pictures/m/fog-3/x.png") as shown:
        assert set(np.unique(np.asarray(shown))) == {0, 18}
