"""mmfan.CocoDataset: the samples of mmdetection's class, and its refusals."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("mmdet")
from mmdet.datasets import CocoDataset as MMDetCocoDataset
from mmengine.registry import DATASETS, DefaultScope

from mmfan.datasets import CocoDataset

SETTINGS = {
    "ann_file": "annotations/instances_val2017.json",
    "data_prefix": {"img": "val2017/"},
    "metainfo": {"classes": ("person", "car")},
    "serialize_data": False,
}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "coco"
    (root / "val2017").mkdir(parents=True)
    (root / "annotations").mkdir()
    images = []
    for number in range(1, 13):
        name = f"{number:012d}.png"
        cv2.imwrite(str(root / "val2017" / name), np.zeros((40, 60, 3), np.uint8))
        images.append({"id": number, "file_name": name, "height": 40, "width": 60})
    boxes = [
        {"id": i, "image_id": i, "category_id": 3, "bbox": [2, 3, 20, 10], "area": 200, "iscrowd": int(i == 3)}
        for i in range(1, 13)
    ]
    write(root, images, boxes)
    return root


def write(root, images, boxes):
    categories = [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
    content = {"images": images, "annotations": boxes, "categories": categories}
    (root / SETTINGS["ann_file"]).write_text(json.dumps(content))


def change(root, **settings):
    content = json.loads((root / SETTINGS["ann_file"]).read_text())
    content["annotations"][4].update(settings)
    write(root, content["images"], content["annotations"])


def dataset(root, **more):
    return CocoDataset(data_root=str(root), **{**SETTINGS, **more})


def test_the_samples_are_those_of_mmdetection(root):
    change(root, bbox=[30.25, 20, 29.75, 20])
    found = dataset(root)
    plain = MMDetCocoDataset(data_root=str(root), **SETTINGS)
    assert len(found) == 12
    assert found.data_list == plain.data_list
    assert found.metainfo == plain.metainfo


def test_by_name_under_another_scope(root):
    with DefaultScope.overwrite_default_scope("mmdet"):
        built = DATASETS.build({"type": "mmfan.CocoDataset", "data_root": str(root), **SETTINGS})
    assert isinstance(built, CocoDataset)


def test_missing_annotations(root):
    with pytest.raises(
        FileNotFoundError, match=r"annotation file .*coco/annotations/none\.json \(`ann_file`\) does not"
    ):
        dataset(root, ann_file="annotations/none.json")
    with pytest.raises(ValueError, match="Expected `ann_file`"):
        dataset(root, ann_file="")
    with pytest.raises(ValueError, match=r"hold 'img', got \['img_path'\]"):
        dataset(root, data_prefix={"img_path": "val2017/"})


def test_a_truncated_file(root):
    path = root / SETTINGS["ann_file"]
    path.write_text(path.read_text()[:200])
    with pytest.raises(ValueError, match=r"instances_val2017\.json cannot be read as JSON, is it whole\?"):
        dataset(root)


def test_missing_pictures_are_listed(root):
    for number in (2, 5, 7):
        (root / "val2017" / f"{number:012d}.png").unlink()
    names = ", ".join(f"{number:012d}.png" for number in (2, 5, 7))
    with pytest.raises(FileNotFoundError, match=f"3 of 12 pictures that .* names are not in .*/coco/val2017: {names}"):
        dataset(root)
    with pytest.raises(FileNotFoundError, match=r"picture folder .*/coco/train2017 does not exist"):
        dataset(root, data_prefix={"img": "train2017/"})


@pytest.mark.parametrize(
    ("box", "message", "kept"),
    [
        ([50, 3, 20, 10], r"1 outside the picture \(annotation 5\)", [50, 3, 60, 13]),
        ([70, 3, 20, 10], r"1 outside the picture \(annotation 5\)", None),
        ([5, 3, 0, 10], r"1 without area \(annotation 5\)", None),
    ],
)
def test_broken_boxes(root, box, message, kept):
    change(root, bbox=box)
    with pytest.raises(ValueError, match=message + r"\. Mend them, or set broken_boxes='clip'"):
        dataset(root)
    instances = dataset(root, broken_boxes="clip").get_data_info(4)["instances"]
    assert [instance["bbox"] for instance in instances] == ([kept] if kept else [])
    with pytest.raises(ValueError, match=r"one of \('error', 'clip'\), got 'drop'"):
        dataset(root, broken_boxes="drop")


def test_classes_of_another_set(root):
    with pytest.raises(ValueError, match=r"78 of the dataset's 80 classes are not among the 2 categories"):
        dataset(root, metainfo=None)
