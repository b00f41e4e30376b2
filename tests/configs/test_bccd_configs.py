"""The two detectors for BCCD: one recipe, and each learns from pictures of the set's form."""

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from mmengine.registry import MODELS, DefaultScope

from mmfan.apis import build_runner, load_config

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "configs"
FAN, OTHER = "fan_cascade_rcnn_bccd", "cascade-rcnn_r50_bccd"
CLASSES = ["RBC", "WBC", "Platelets"]


def load(name, monkeypatch, root="data/bccd"):
    monkeypatch.setenv("MMFAN_BCCD", str(root))
    return load_config(FOLDER / f"{name}.py")


def write_cells(root, pictures=2):
    """A tree as BCCD's, 640 x 480, with a disc of each class in every picture."""
    for split in ("train", "val"):
        images, annotations = [], []
        (root / split).mkdir(parents=True)
        for number in range(pictures):
            picture = np.full((480, 640, 3), 220, np.uint8)
            for category, (x, radius) in enumerate(((150, 50), (350, 100), (560, 18)), 1):
                cv2.circle(picture, (x, 240), radius, (160, 90, 70 * category), -1)
                box = [x - radius, 240 - radius, 2 * radius, 2 * radius]
                annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": category,
                                    "bbox": box, "area": 4 * radius**2, "iscrowd": 0})  # fmt: skip
            cv2.imwrite(str(root / split / f"{number}.jpg"), picture)
            images.append({"id": number, "file_name": f"{number}.jpg", "height": 480, "width": 640})
        categories = [{"id": place, "name": name} for place, name in enumerate(CLASSES, 1)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / f"instances_{split}.json").write_text(json.dumps(content))
    return root


def test_trained_in_the_same_way(monkeypatch):
    fan, other = load(FAN, monkeypatch), load(OTHER, monkeypatch)
    backbones = [cfg.model.pop("backbone") for cfg in (fan, other)]
    widths = [cfg.model.neck.pop("in_channels") for cfg in (fan, other)]
    assert fan.to_dict() == other.to_dict()
    assert [backbone.type for backbone in backbones] == ["mmfan.FANHybrid", "ResNet"]
    for backbone, width in zip(backbones, widths, strict=True):
        assert not backbone.get("init_cfg")  # both from scratch
        with DefaultScope.overwrite_default_scope("mmdet"), torch.device("meta"):
            built = MODELS.build(copy.deepcopy(backbone))
        maps = built(torch.zeros(1, 3, 192, 256, device="meta"))
        assert [m.shape[1] for m in maps] == width
        assert [m.shape[2:] for m in maps] == [(192 // stride, 256 // stride) for stride in (4, 8, 16, 32)]


def test_classes_and_schedule(monkeypatch):
    cfg = load(FAN, monkeypatch)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert list(loader.dataset.metainfo.classes) == CLASSES
        assert loader.dataset.data_root == "data/bccd"
    assert cfg.test_evaluator.ann_file == "data/bccd/instances_val.json"
    assert {head.num_classes for head in cfg.model.roi_head.bbox_head} == {3}
    assert "mask_head" not in cfg.model.roi_head
    assert [stage.assigner.pos_iou_thr for stage in cfg.model.train_cfg.rcnn] == [0.5, 0.6, 0.7]
    assert max(step["end"] for step in cfg.param_scheduler) == cfg.train_cfg.max_iters


@pytest.mark.process
def test_two_iterations_and_a_test(monkeypatch, tmp_path):
    """With a tiny backbone of the same family."""
    cfg = load(FAN, monkeypatch, write_cells(tmp_path / "bccd"))
    cfg.model.backbone.arch = {"embed_dims": 32, "depth": 2, "num_heads": 4, "stem_depths": (1, 1)}
    cfg.model.neck.in_channels = [128, 256, 32, 768]
    cfg.merge_from_dict({"train_cfg.max_iters": 2, "train_cfg.val_interval": 2})
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    runner = build_runner(cfg, work_dir=tmp_path / "w")
    runner.train()
    assert runner.iter == 2
    scores = runner.message_hub.log_scalars
    assert np.isfinite(scores["train/loss"].current())
    assert 0 <= scores["val/coco/bbox_mAP"].current() <= 1
