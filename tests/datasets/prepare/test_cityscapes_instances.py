"""Boxes and masks of Cityscapes in COCO's form: by hand, and of the miniature, which has the same files."""

import json

import cv2
import numpy as np
import pytest

from mmfan.cli import main
from mmfan.datasets.miniature import write_cityscapes
from mmfan.datasets.prepare.cityscapes_instances import CATEGORIES, annotation_file, annotations_of, prepare


def test_by_hand():
    ids = np.full((6, 8), 7, np.uint16)  # road
    ids[1:3, 2:5] = 26001  # a car
    ids[4, 6] = 26  # cars that nobody counted
    ids[5, 0:2] = 24000  # a person
    ids[0, 0] = 29000  # a caravan, which is not evaluated
    person, car, group = sorted(annotations_of(ids), key=lambda one: (one["iscrowd"], one["category_id"]))
    assert (car["category_id"], car["bbox"], car["area"], car["iscrowd"]) == (26, [2, 1, 3, 2], 6, 0)
    assert (person["category_id"], person["bbox"], person["area"]) == (24, [0, 5, 2, 1], 2)
    assert (group["category_id"], group["bbox"], group["iscrowd"]) == (26, [6, 4, 1, 1], 1)
    masks = pytest.importorskip("pycocotools.mask")
    np.testing.assert_array_equal(masks.decode(car["segmentation"]), ids == 26001)


def test_classes_are_those_of_mmdetection_in_its_order():
    eight = ("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
    assert tuple(CATEGORIES) == eight
    mmdet = pytest.importorskip("mmdet.datasets")
    assert mmdet.CityscapesDataset.METAINFO["classes"] == eight


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    target = tmp_path_factory.mktemp("cityscapes") / "set"
    write_cityscapes(target, 1, 3, (128, 64), workers=1)
    return target


def test_every_counted_object_of_the_miniature(root):
    made = prepare(root, "val")
    assert made.file.name == "instancesonly_filtered_gtFine_val.json"
    content = json.loads(made.file.read_text())
    assert len(content["images"]) == made.pictures == 3
    assert made.objects + made.groups == len(content["annotations"]) > 5
    for image in content["images"]:
        stem = image["file_name"].removesuffix("_leftImg8bit.png")
        assert (image["height"], image["width"]) == (64, 128)
        ids = cv2.imread(str(root / "gtFine/val" / f"{stem}_gtFine_instanceIds.png"), cv2.IMREAD_UNCHANGED)
        counted = [n for n in np.unique(ids) if n >= 24000 and n // 1000 in CATEGORIES.values()]
        objects = [one for one in content["annotations"] if one["image_id"] == image["id"] and not one["iscrowd"]]
        assert [one["area"] for one in objects] == [int((ids == n).sum()) for n in counted]
    assert prepare(root, "val", workers=2).file.read_text() == json.dumps(content) + "\n"


def test_on_the_command_line_and_as_a_dataset(root, capsys):
    command = ["prepare", "cityscapes", str(root), "--splits", "val", "--expected", "val=3", "--instances"]
    assert main(command) == 0
    assert f"{annotation_file('val')}: 3 pictures, " in capsys.readouterr().out
    pytest.importorskip("mmdet")
    from mmfan.datasets import CocoDataset

    dataset = CocoDataset(
        data_root=str(root),
        ann_file=annotation_file("val"),
        data_prefix={"img": "leftImg8bit/val/"},
        metainfo={"classes": tuple(CATEGORIES)},
        test_mode=True,
        pipeline=[],
    )
    assert len(dataset) == 3
    assert sum(len(dataset.get_data_info(index)["instances"]) for index in range(3)) > 5


def test_what_is_missing(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No picture \*_leftImg8bit.png in .*leftImg8bit/test"):
        prepare(root, "test")
    write_cityscapes(tmp_path / "s", 0, 1, (64, 64), workers=1)
    next((tmp_path / "s/gtFine/val").rglob("*_instanceIds.png")).unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 1 pictures of val have no \*_gtFine_instanceIds.png"):
        prepare(tmp_path / "s", "val")
