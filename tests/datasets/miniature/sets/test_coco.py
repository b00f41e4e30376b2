import hashlib
import json

import numpy as np
import pytest

from mmfan.datasets.miniature import draw_miniature, write_coco

pytestmark = pytest.mark.slow

SMALL = {"train": 3, "val": 2, "size": (192, 96), "seed": 5}


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.process
def test_same_bytes_for_any_number_of_workers(tmp_path):
    assert write_coco(tmp_path / "one", workers=1, **SMALL)
    assert write_coco(tmp_path / "two", workers=2, **SMALL)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert write_coco(tmp_path / "one", **SMALL) is False
    assert sorted(digests(tmp_path / "one")) == [
        "annotations/instances_train2017.json",
        "annotations/instances_val2017.json",
        "miniature.json",
        *(f"train2017/{number:012d}.png" for number in (1, 2, 3)),
        *(f"val2017/{number:012d}.png" for number in (1000001, 1000002)),
    ]


def test_a_missing_file_and_another_form_are_noticed(tmp_path):
    write_coco(tmp_path / "set", train=1, val=0, size=(64, 64))
    (tmp_path / "set/annotations/instances_val2017.json").unlink()
    with pytest.raises(FileExistsError, match="is incomplete; add --force"):
        write_coco(tmp_path / "set", train=1, val=0, size=(64, 64))
    from mmfan.datasets.miniature import write_cityscapes

    with pytest.raises(FileExistsError, match="was made with other options"):
        write_cityscapes(tmp_path / "set", train=1, val=0, size=(64, 64))


def test_the_files_say_what_is_drawn(tmp_path):
    cv2 = pytest.importorskip("cv2")
    write_coco(tmp_path / "set", workers=1, **SMALL)
    content = json.loads((tmp_path / "set/annotations/instances_val2017.json").read_text())
    assert [image["id"] for image in content["images"]] == [1000001, 1000002]
    assert {(image["width"], image["height"]) for image in content["images"]} == {(192, 96)}
    assert [entry["id"] for entry in content["annotations"]] == list(range(1, len(content["annotations"]) + 1))
    picture = cv2.imread(str(tmp_path / "set/val2017" / content["images"][1]["file_name"]))
    assert np.array_equal(picture[..., ::-1], draw_miniature(5, "val", 1, (192, 96)).image)


def test_mmdetection_reads_it(tmp_path):
    pytest.importorskip("mmdet")
    from mmfan.datasets import CocoDataset
    from mmfan.datasets.miniature.sets.coco_objects import CATEGORIES

    write_coco(tmp_path / "set", train=0, val=4, size=(256, 128), workers=1)
    dataset = CocoDataset(
        data_root=str(tmp_path / "set"),
        ann_file="annotations/instances_val2017.json",
        data_prefix={"img": "val2017/"},
        metainfo={"classes": tuple(CATEGORIES)},
        pipeline=[
            {"type": "LoadImageFromFile"},
            {"type": "mmdet.LoadAnnotations", "with_bbox": True, "with_mask": True},
        ],
    )
    assert len(dataset) == 4
    for sample in dataset:
        assert len(sample["gt_bboxes"]) == len(sample["gt_masks"]) == len(sample["gt_ignore_flags"]) > 0
        areas = np.asarray(sample["gt_masks"].areas)
        boxes = sample["gt_bboxes"].tensor.numpy()
        assert (areas > 0).all()
        assert (areas <= 1.05 * (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)).all()
