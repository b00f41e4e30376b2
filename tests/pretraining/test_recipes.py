"""The recipes on ImageNet, made small: they train with mmpretrain's augmentations, keep a mean, and are judged."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from helpers.tiny_classes import write_set
from helpers.tiny_classifier import BACKBONE

from mmfan.apis import build_runner, load_config
from mmfan.apis.robustness import judged_config
from mmfan.datasets.augmentations.overlaps import overlap_of
from mmfan.models import FANTokenClassifier

pytestmark = pytest.mark.cls

ALTERNET = {
    "type": "mmfan.AlterNet",
    "arch": {"depths": (1, 1, 1, 2), "expansion": 1, "num_heads": (1, 1, 1, 1), "stem_width": 8},
    "num_msa": (0, 0, 0, 1),
}
RECIPES: dict[str, dict[str, Any]] = {
    "fan-t-hybrid_classifier_32xb32-300e_imagenet-224x224": BACKBONE,
    "alternet-50_classifier_1xb128-300e_imagenet-224x224": ALTERNET,
    "fan-s-hybrid_token-student_8xb128-350e_imagenet-224x224": BACKBONE,
}


def small(name, folder, monkeypatch):
    """The recipe with a small network on three classes, for two epochs of two steps."""
    if "student" in name:
        torch.manual_seed(0)
        teacher = FANTokenClassifier(dict(BACKBONE), 3)
        state = {key.removeprefix("backbone."): value for key, value in teacher.state_dict().items()}
        torch.save({"state_dict": state}, folder / "teacher.pth.tar")
        monkeypatch.setenv("MMFAN_TEACHER", str(folder / "teacher.pth.tar"))
    cfg = load_config(name)
    for part in ("network", "teacher"):
        if part in cfg.model:
            cfg.model[part].pop("backbone")
            cfg.model[part].update(backbone=dict(RECIPES[name]), num_classes=3)
    for split, loader in (("train", cfg.train_dataloader), ("val", cfg.val_dataloader), ("val", cfg.test_dataloader)):
        write_set(folder / "set" / split)
        loader.dataset.data_root = str(folder / "set")
        loader.num_workers = 0
    cfg.train_dataloader.batch_size = 3
    cfg.train_cfg.update(max_epochs=2, val_interval=2)
    cfg.param_scheduler = cfg.param_scheduler[:1]
    cfg.default_hooks.checkpoint.interval = 1
    return cfg


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_resumes_and_is_judged(name, tmp_path, monkeypatch):
    cfg = small(name, tmp_path, monkeypatch)
    build_runner(cfg, work_dir=tmp_path / "run").train()
    kept = torch.load(tmp_path / "run" / "epoch_2.pth", weights_only=False)
    assert kept["meta"]["iter"] == 4
    moved = [key for key, value in kept["state_dict"].items() if not torch.isfinite(value.float()).all()]
    assert moved == []
    assert ("ema_state_dict" in kept) == ("fan" in name)
    build_runner(cfg, work_dir=tmp_path / "run", resume=tmp_path / "run" / "epoch_1.pth").train()
    results = tmp_path / "r.jsonl"
    judged = judged_config(cfg, protocol={"corruptions": ["fog"], "severities": [3]}, results=str(results))
    found = build_runner(judged, work_dir=tmp_path, checkpoint=tmp_path / "run" / "epoch_2.pth").test()
    assert set(found) == {f"{kind}/{score}" for kind in ("clean", "corrupted", "retention")
                          for score in ("top1", "mean_class")}  # fmt: skip
    records = [json.loads(line) for line in results.read_text().splitlines()]
    assert [record["dataset"] for record in records] == ["imagenet", "imagenet"]
    assert "contrast" in records[0]["training_overlap"]["overlaps"]


def test_the_mean_is_the_published_one(tmp_path, monkeypatch):
    """mean = 0.99992 mean + 0.00008 weights, step by step; what is saved as the weights is the mean."""
    cfg = small("fan-t-hybrid_classifier_32xb32-300e_imagenet-224x224", tmp_path, monkeypatch)
    runner = build_runner(cfg, work_dir=tmp_path / "run")
    seen = []

    def note(self, *_, **__):
        seen.append(runner.model.network.head.weight.detach().double().clone())

    from mmengine.hooks import Hook

    runner.register_hook(type("Note", (Hook,), {"after_train_iter": note, "before_train": note})())
    runner.train()
    mean = seen[1]  # the first step copies
    for weights in seen[2:]:
        mean = mean * (1 - 8e-5) + weights * 8e-5
    kept = torch.load(tmp_path / "run" / "epoch_2.pth", weights_only=False)
    torch.testing.assert_close(kept["state_dict"]["network.head.weight"].double(), mean, atol=1e-7, rtol=1e-5)


def test_what_the_recipe_shows_of_the_tests():
    pipeline = load_config("fan-t-hybrid_classifier_32xb32-300e_imagenet-224x224").train_dataloader.dataset.pipeline
    found = overlap_of(pipeline)
    assert {"brightness", "contrast", "saturate", "checkerboard_cutout"} <= set(found.types)
    assert not found.unknown
    from mmcv.transforms import Compose
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope("mmpretrain"):
        built = overlap_of(Compose(pipeline))
    assert {"brightness", "contrast", "saturate", "checkerboard_cutout"} <= set(built.types)
    assert not built.unknown


def test_erasing_and_randaugment_change_the_picture_and_not_the_teachers(tmp_path):
    cfg = load_config("fan-s-hybrid_token-student_8xb128-350e_imagenet-224x224")
    from mmcv.transforms import Compose
    from mmengine.registry import DefaultScope

    write_set(tmp_path)
    with DefaultScope.overwrite_default_scope("mmpretrain"):
        pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    np.random.seed(0)
    packed = [pipeline({"img_path": str(tmp_path / "n01" / "0.png"), "gt_label": 0}) for _ in range(6)]
    unlike = [not torch.equal(one["inputs"], one["data_samples"].clean_img) for one in packed]
    assert sum(unlike) >= 4
    assert all(one["data_samples"].clean_img.shape == (3, 224, 224) for one in packed)
