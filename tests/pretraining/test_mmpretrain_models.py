"""Models of mmpretrain with its own data and metric, under the judge."""

import json

import numpy as np
import pytest
import torch
from helpers.tiny_classes import CLASSES, write_set
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmfan import ClassificationData, judge
from mmfan.adapters import Preprocessing, TorchClassifier
from mmfan.apis import build_runner, load_config
from mmfan.apis.robustness import judged_config

pytestmark = pytest.mark.cls

MEAN, STD = [120.0, 110, 100], [60.0, 61, 62]
CONFIG = """
default_scope = "mmpretrain"
model = dict(
    type="ImageClassifier",
    backbone=dict({backbone}),
    neck=dict(type="GlobalAveragePooling"),
    head=dict(type="LinearClsHead", num_classes=3, in_channels={channels}, loss=dict(type="CrossEntropyLoss")),
)
data_preprocessor = dict(num_classes=3, mean={mean}, std={std}, to_rgb=True)
test_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="CustomDataset", data_prefix="{data}", with_label=True,
                 pipeline=[dict(type="LoadImageFromFile"), dict(type="PackInputs")]),
)
test_evaluator = dict(type="Accuracy", topk=(1,))
test_cfg = dict()
"""
RESNET = 'type="ResNet", depth=18, base_channels=8, stem_channels=8', 64
ALTERNET = (
    'type="mmfan.AlterNet", arch=dict(depths=(1, 1, 1, 2), expansion=1, num_heads=(1, 1, 1, 1), stem_width=8), '
    "num_msa=(0, 0, 0, 1)",
    64,
)


@pytest.mark.parametrize("kind", [RESNET, ALTERNET], ids=["resnet", "alternet"])
def test_a_model_is_judged_by_its_own_config(kind, tmp_path):
    write_set(tmp_path / "set", 3)
    backbone, channels = kind
    config = tmp_path / "own.py"
    config.write_text(CONFIG.format(backbone=backbone, channels=channels, mean=MEAN, std=STD, data=tmp_path / "set"))
    cfg = load_config(config)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmpretrain"):
        model = MODELS.build(
            {**cfg.model, "data_preprocessor": {"type": "ClsDataPreprocessor", **cfg.data_preprocessor}}
        )
    torch.save({"state_dict": model.state_dict()}, tmp_path / "own.pth")
    plain = build_runner(cfg, work_dir=tmp_path / "a", checkpoint=tmp_path / "own.pth").test()
    results = tmp_path / "r.jsonl"
    protocol = {"corruptions": ["brightness"], "severities": [4]}
    judged = judged_config(cfg, protocol=protocol, results=str(results), calibration=True)
    found = build_runner(judged, work_dir=tmp_path / "b", checkpoint=tmp_path / "own.pth").test()
    assert 100 * found["clean/top1"] == pytest.approx(plain["accuracy/top1"], abs=1e-4)
    records = [json.loads(line) for line in results.read_text().splitlines()]
    assert list(records[0]["per_class"]["top1"]) == list(CLASSES)
    # the other driver, on the same module, gives the same scores: clean and corrupted
    preprocessing = Preprocessing(mean=MEAN, std=STD, white=255)
    other = judge(
        TorchClassifier(model.eval(), preprocessing), ClassificationData(tmp_path / "set"), protocol, workers=0,
        batch_size=2, verbose=False,
    )  # fmt: skip
    assert [record["metrics"] for record in other.records] == [record["metrics"] for record in records]


def test_a_module_of_mmpretrain_returns_logits(tmp_path):
    torch.manual_seed(0)
    from mmpretrain.registry import MODELS as OWN

    backbone = {"type": "ResNet", "depth": 18, "base_channels": 8, "stem_channels": 8}
    head = {"type": "LinearClsHead", "num_classes": 4, "in_channels": 64}
    neck = {"type": "GlobalAveragePooling"}
    config = Config({"type": "ImageClassifier", "backbone": backbone, "neck": neck, "head": head})
    model = OWN.build(config._cfg_dict)
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    found = TorchClassifier(model, Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)))(rgb)
    inputs = (torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255 - 0.5) / 0.2
    with torch.no_grad():
        np.testing.assert_allclose(found, model.eval()(inputs)[0].numpy(), atol=1e-4)
