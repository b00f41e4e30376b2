"""COCO-O and ExDark as datasets of detection."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("mmdet")
from mmengine.registry import DATASETS, DefaultScope

from mmfan.datasets import ExDarkDataset
from mmfan.datasets.coco_categories import COCO_NUMBERS
from mmfan.datasets.prepare import exdark

TWELVE = (
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "bus",
    "boat",
    "cat",
    "dog",
    "bottle",
    "cup",
    "chair",
    "dining table",
)


def write_picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((32, 40, 3), np.uint8))


def build(**settings):
    with DefaultScope.overwrite_default_scope("mmdet"):
        return DATASETS.build({"test_mode": True, "pipeline": [], **settings})


def test_a_domain_of_coco_o(tmp_path):
    write_picture(tmp_path / "sketch/val2017/000000000001.jpg")
    box = {"id": 1, "image_id": 1, "category_id": 90, "bbox": [1, 1, 5, 5], "area": 25, "iscrowd": 0}
    content = {
        "images": [{"id": 1, "file_name": "000000000001.jpg", "width": 40, "height": 32}],
        "annotations": [box],
        "categories": [{"id": number, "name": name} for name, number in COCO_NUMBERS.items()],
    }
    file = tmp_path / "sketch/annotations/instances_val2017.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content))
    dataset = build(type="mmfan.CocoODataset", data_root=str(tmp_path), domain="sketch")
    assert dataset.get_data_info(0)["img_path"] == str(tmp_path / "sketch/val2017/000000000001.jpg")
    assert dataset.get_data_info(0)["instances"][0]["bbox_label"] == 79  # toothbrush, the last of 80
    with pytest.raises(FileNotFoundError, match=r"weather/annotations/instances_val2017.json"):
        build(type="mmfan.CocoODataset", data_root=str(tmp_path), domain="weather")
    with pytest.raises(ValueError, match=r"COCO-O has the domains"):
        build(type="mmfan.CocoODataset", data_root=str(tmp_path), domain="drawing")


def test_exdark_after_its_preparation(tmp_path):
    write_picture(tmp_path / "ExDark/Table/2015_04001.png")
    boxes = tmp_path / "ExDark_Annno/Table/2015_04001.png.txt"
    boxes.parent.mkdir(parents=True)
    boxes.write_text("% bbGt version=3\nTable 1 2 10 9 0 0 0 0 0 0 0\n")
    (tmp_path / "imageclasslist.txt").write_text("2015_04001.png 12 1 1 3\n")
    with pytest.raises(FileNotFoundError, match=r"annotations/instances_test.json"):
        ExDarkDataset(data_root=str(tmp_path), pipeline=[])
    exdark.prepare(tmp_path)
    dataset = build(type="mmfan.ExDarkDataset", data_root=str(tmp_path))
    sample = dataset.get_data_info(0)
    assert sample["img_path"] == str(tmp_path / "ExDark/Table/2015_04001.png")
    assert [(one["bbox"], one["bbox_label"]) for one in sample["instances"]] == [([1, 2, 11, 11], 60)]
    twelve = build(type="mmfan.ExDarkDataset", data_root=str(tmp_path), metainfo={"classes": TWELVE})
    assert twelve.get_data_info(0)["instances"][0]["bbox_label"] == 11
    with pytest.raises(ValueError, match=r"ExDark has the splits train, val, test"):
        build(type="mmfan.ExDarkDataset", data_root=str(tmp_path), split="night")
