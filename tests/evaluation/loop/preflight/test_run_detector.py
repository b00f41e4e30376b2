"""The preflight of a detector: annotations as text, ids, the metric on the truth itself and on nothing."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("mmdet")
from helpers.peeking_detector import PEEKING
from helpers.tiny_mask_rcnn import write_coco_tree, write_detector_checkpoint, write_detector_config
from helpers.tiny_robustness import judge

from mmfan.apis import build_runner, load_config
from mmfan.evaluation.judging.findings import PreflightError

pytestmark = pytest.mark.slow

SMALL = {"protocol": {"corruptions": ["contrast"], "severities": [5]}}


@pytest.fixture
def own(tmp_path):
    tree = write_coco_tree(tmp_path / "coco", train=1, val=3)
    config = write_detector_config(tmp_path / "tiny.py", tree, PEEKING)
    return config, write_detector_checkpoint(tmp_path / "tiny.pth", config)


def annotations(config):
    return config.parent / "coco/annotations/instances_val2017.json"


def change(path, target, edit):
    content = json.loads(path.read_text())
    edit(content)
    target.write_text(json.dumps(content))
    return str(target)


def test_nothing_is_found_in_what_is_right(own, tmp_path, capsys):
    judge(own[0], own[1], tmp_path / "r.jsonl", **SMALL)
    assert "nothing found in" in "".join(capsys.readouterr())


def test_a_metric_s_file_whose_boxes_are_others(own, tmp_path):
    def move(content):
        for entry in content["annotations"]:
            entry["bbox"][0] += 3 * entry["bbox"][2] + 20

    other = change(annotations(own[0]), tmp_path / "other.json", move)
    with pytest.raises(
        PreflightError, match=r"gives bbox_mAP 0\.0\d\d, expected 1, to the annotated objects of .*val2017"
    ):
        judge(own[0], own[1], tmp_path / "r.jsonl", options={"test_evaluator.ann_file": other}, **SMALL)


def test_annotations_of_mmdetections_own_dataset(own, tmp_path):
    def break_mask(content):
        content["annotations"][0]["segmentation"] = [[3e9, 1, 2, 3e9, 5, 6]]

    other = change(annotations(own[0]), tmp_path / "other.json", break_mask)
    dataset = {"test_dataloader.dataset.type": "CocoDataset", "test_dataloader.dataset.ann_file": other}
    with pytest.raises(PreflightError, match=r"other\.json: annotation \d+: the `segmentation` holds coordinates"):
        judge(own[0], own[1], tmp_path / "r.jsonl", options=dataset, **SMALL)


def test_a_picture_of_another_size_than_stated(own, tmp_path):
    picture = min((tmp_path / "coco/val2017").iterdir())
    cv2.imwrite(str(picture), np.zeros((50, 60, 3), np.uint8))
    with pytest.raises(PreflightError, match=rf"{picture.name} \(128x64 stated, the file is 60x50\)"):
        judge(own[0], own[1], tmp_path / "r.jsonl", **SMALL)


def test_joined_sets_that_share_ids(own, tmp_path):
    cfg = load_config(own[0])
    dataset = dict(cfg.test_dataloader.dataset)
    folder = tmp_path / "coco/more2017"
    (tmp_path / "coco/val2017").rename(tmp_path / "coco/kept")
    import shutil

    for name in ("val2017", "more2017"):
        shutil.copytree(tmp_path / "coco/kept", tmp_path / "coco" / name)
    cfg.test_dataloader.dataset = {
        "type": "ConcatDataset", "datasets": [dataset, {**dataset, "data_prefix": {"img": "more2017/"}}],
    }  # fmt: skip
    cfg.pop("test_cfg")
    cfg.test_cfg = {"type": "mmfan.RobustnessLoop", "picture_root": str(folder.parent), **SMALL}
    runner = build_runner(cfg, work_dir=tmp_path / "work", checkpoint=own[1])
    with pytest.raises(PreflightError, match=r"3 `img_id`s are those of two pictures each: .*val2017/.* and more2017/"):
        runner.test()


def test_masks_asked_of_boxes(own, tmp_path):
    def drop(content):
        for entry in content["annotations"]:
            entry.pop("segmentation")

    change(annotations(own[0]), annotations(own[0]), drop)
    with pytest.raises(PreflightError, match=r"cannot be scored: annotations 1, 2, 3 and \d+ more with no mask"):
        judge(own[0], own[1], tmp_path / "r.jsonl", **SMALL)


@pytest.mark.parametrize("what", ["iscrowd", "segmentation"])
def test_validation_is_looked_at_before_training(own, tmp_path, what):
    def drop(content):
        content["annotations"][-1].pop(what)

    other = change(annotations(own[0]), tmp_path / "other.json", drop)
    runner = build_runner(load_config(own[0], {"val_evaluator.ann_file": other}), work_dir=tmp_path / "work")
    said = {"iscrowd": "with no `iscrowd`", "segmentation": "with no mask"}[what]
    with pytest.raises(PreflightError, match=rf"(?s)before training began.*cannot be scored: annotation \d+ {said}"):
        runner.train()
