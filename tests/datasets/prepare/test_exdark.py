"""ExDark's boxes in COCO's form, from a made-up tree of the exact layout."""

import json

import cv2
import numpy as np
import pytest

from mmfan.cli import main
from mmfan.datasets.coco_categories import COCO_CLASSES, COCO_NUMBERS
from mmfan.datasets.prepare.exdark import CLASSES, prepare

LIST = """Name | Class | Light | In/Out | Train/Val/Test
2015_00001.png 1 2 1 1
2015_00002.png 11 3 1 2
2015_04001.jpg 12 1 1 3
"""
BOXES = {
    "Bicycle/2015_00001.png.txt": "% bbGt version=3\nBicycle 4 3 20 10 0 0 0 0 0 0 0\nPeople 0 0 8 9 0 0 0 0 0 0 0\n",
    "People/2015_00002.png.txt": "% bbGt version=3\nPeople 30 5 20 30 0 0 0 0 0 0 0\n",
    "Table/2015_04001.jpg.txt": "% bbGt version=3\nTable 1 1 2 2 0 0 0 0 0 0 0\nCup 5 5 1 2 0 0 0 0 0 0 0\n",
}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "imageclasslist.txt").write_text(LIST)
    for name, text in BOXES.items():
        boxes, picture = tmp_path / "ExDark_Annno" / name, tmp_path / "ExDark" / name.removesuffix(".txt")
        for path in (boxes, picture):
            path.parent.mkdir(parents=True, exist_ok=True)
        boxes.write_text(text)
        cv2.imwrite(str(picture), np.zeros((32, 40, 3), np.uint8))
    return tmp_path


def test_categories_are_those_of_coco():
    assert len(COCO_CLASSES) == 80
    assert list(COCO_NUMBERS) == list(COCO_CLASSES)
    known = {"person": 1, "bus": 6, "boat": 9, "cat": 17, "dog": 18, "bottle": 44, "cup": 47, "chair": 62,
             "dining table": 67, "toothbrush": 90, "stop sign": 13, "backpack": 27, "sink": 81, "book": 84}  # fmt: skip
    assert {name: COCO_NUMBERS[name] for name in known} == known
    assert set(CLASSES.values()) <= set(COCO_CLASSES)
    assert len(CLASSES) == 12


def test_categories_are_in_the_order_of_mmdetection():
    mmdet = pytest.importorskip("mmdet.datasets")
    assert mmdet.CocoDataset.METAINFO["classes"] == COCO_CLASSES


def test_boxes_and_splits(root):
    made = prepare(root)
    assert {split: (one.pictures, one.boxes, one.clipped) for split, one in made.items()} == {
        "train": (1, 2, 0), "val": (1, 1, 1), "test": (1, 2, 0),
    }  # fmt: skip
    train = json.loads((root / "annotations/instances_train.json").read_text())
    assert train["images"] == [{"id": 1, "file_name": "Bicycle/2015_00001.png", "width": 40, "height": 32}]
    assert [(one["category_id"], one["bbox"], one["area"]) for one in train["annotations"]] == [
        (2, [4, 3, 20, 10], 200), (1, [0, 0, 8, 9], 72),
    ]  # fmt: skip
    assert len(train["categories"]) == 80
    # a box beyond the edge is cut: 30 + 20 is past 40, 5 + 30 past 32
    val = json.loads(made["val"].file.read_text())
    assert val["annotations"][0]["bbox"] == [30, 5, 10, 27]


def test_spellings_may_differ(root):
    boxes = root / "ExDark_Annno/Table/2015_04001.jpg.txt"
    boxes.rename(boxes.with_name("2015_04001.JPG.txt"))
    assert prepare(root)["test"].boxes == 2


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("ExDark_Annno/Table/2015_04001.jpg.txt", "Sofa 1 1 2 2\n", "line 1: expected a class .* got 'Sofa 1 1 2 2'"),
        ("ExDark_Annno/Table/2015_04001.jpg.txt", "Table 1 1 2\n", "left, top, width and height"),
        ("ExDark_Annno/Table/2015_04001.jpg.txt", "Table 1 1 0 2\n", "left, top, width and height"),
        (
            "imageclasslist.txt",
            "2015_04001.jpg 12 1 1 4\n",
            "line 1: expected a picture, class, light, place and split",
        ),
        ("imageclasslist.txt", "", "names no pictures"),
    ],
)
def test_lines_that_are_not_in_their_form(root, file, text, message):
    (root / file).write_text(text)
    with pytest.raises(ValueError, match=message):
        prepare(root)


def test_what_is_missing(root, tmp_path):
    (root / "ExDark/Table/2015_04001.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 3 pictures of imageclasslist.txt are missing.*2015_04001.jpg"):
        prepare(root)
    (root / "imageclasslist.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"There is no .*imageclasslist.txt. Expected ExDark/<class>/<picture>"):
        prepare(root)


def test_on_the_command_line(root, capsys):
    assert main(["prepare", "weather", "exdark", str(root), "--allow-partial"]) == 0
    assert "instances_val.json: 1 pictures, 1 boxes, 1 of them cut at the edge" in capsys.readouterr().out
    assert main(["prepare", "weather", "exdark", str(root)]) == 1
    assert "test: expected 2563 pictures, got 1." in capsys.readouterr().err
