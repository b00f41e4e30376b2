"""Finding the corrupted form of a picture on disk."""

import json

import pytest

from mmfan.corruptions import ENGINE_VERSION
from mmfan.corruptions.cell import Cell
from mmfan.evaluation.loop.disk import DiskSource

FOG = Cell("fog", 3)


@pytest.mark.parametrize(
    ("clean", "root", "place"),
    [
        ("c/leftImg8bit/val/ulm/a.png", None, "leftImg8bit/fog/3/val/ulm/a.png"),
        ("c/val2017/7.jpg", None, "fog/3/val2017/7.png"),
        ("c/val2017/7.jpg", None, "fog/3/val2017/7.jpg"),
        ("c/any/x.bmp", "c", "fog/3/any/x.png"),
    ],
)
def test_every_layout(tmp_path, clean, root, place):
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).touch()
    source = DiskSource(tmp_path, root)
    assert source.path(clean, FOG) == str(tmp_path / place)
    source.check([clean], [FOG])
    with pytest.raises(
        FileNotFoundError, match=r"lacks 2 pictures of fog 4, snow 1: .*make_corrupted_set.py CLEAN_SET"
    ):
        source.check([clean], [FOG, Cell("fog", 4), Cell("snow", 1)])
    with pytest.raises(FileNotFoundError, match="snow"):
        source.path(clean, Cell("snow", 1))


def write_record(folder, **more):
    content = {"seed": 0, "engine_version": ENGINE_VERSION, "layout": "coco", "format": "jpeg", "quality": 90}
    (folder / "corrupted_set.json").write_text(json.dumps({**content, **more}))


def test_the_record_of_a_set_is_believed(tmp_path):
    write_record(tmp_path)
    place = tmp_path / "fog/3/val2017"
    place.mkdir(parents=True)
    for name in ("7.png", "7.jpg"):
        (place / name).touch()
    assert DiskSource(tmp_path).path("c/val2017/7.jpg", FOG) == str(place / "7.jpg")


@pytest.mark.parametrize("more", [{"seed": 5}, {"engine_version": "0"}])
def test_a_set_made_otherwise_is_refused(tmp_path, more):
    write_record(tmp_path, **more)
    with pytest.raises(ValueError, match=r"was made with seed .* expected seed 0"):
        DiskSource(tmp_path)


def test_a_set_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing does not exist. Make it with .* --seed 4"):
        DiskSource(tmp_path / "nothing", seed=4)
