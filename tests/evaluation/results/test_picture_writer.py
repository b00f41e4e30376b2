"""Pictures beside the results."""

import numpy as np
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
    assert found == ["a_b/fog-3/val/x.png", "input/fog-3/val/x.png", "truth/val/x.png"]
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
