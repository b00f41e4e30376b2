"""Models that are not mmfan's, from configs that inherit mmsegmentation's and mmdetection's."""

import numpy as np
import pytest
import torch
from helpers.tiny_robustness import CELLS, judge
from helpers.tiny_segmentor import write_tree

pytestmark = [pytest.mark.process, pytest.mark.slow]

SEGMENTOR = """
_base_ = "mmseg::_base_/models/{model}"
{more}
default_scope = "mmseg"
test_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="CityscapesDataset",
        data_root="{data}",
        data_prefix=dict(img_path="leftImg8bit/val", seg_map_path="gtFine/val"),
        pipeline=[dict(type="LoadImageFromFile"), dict(type="LoadAnnotations"), dict(type="PackSegInputs")],
    ),
)
test_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
test_cfg = dict(type="TestLoop")
"""
SEGFORMER = """
model = dict(
    data_preprocessor=dict(size=None, size_divisor=32),
    backbone=dict(embed_dims=8, num_layers=[1, 1, 1, 1]),
    decode_head=dict(in_channels=[8, 16, 40, 64], channels=16),
)
"""
DEEPLAB = """
model = dict(
    data_preprocessor=dict(size=None, size_divisor=32),
    pretrained=None,
    backbone=dict(depth=18),
    decode_head=dict(in_channels=512, channels=16, c1_in_channels=64, c1_channels=8),
    auxiliary_head=None,
)
"""


@pytest.mark.parametrize(("model", "more"), [("segformer_mit-b0.py", SEGFORMER), ("deeplabv3plus_r50-d8.py", DEEPLAB)])
def test_segmentors_of_mmsegmentation(tmp_path, model, more):
    pytest.importorskip("mmseg")
    from mmengine.registry import MODELS, DefaultScope

    from mmfan.apis import load_config

    data = write_tree(tmp_path / "data", train=1, val=3)
    config = tmp_path / "other.py"
    config.write_text(SEGMENTOR.format(model=model, more=more, data=data.as_posix()))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        state = MODELS.build(load_config(config).model).state_dict()
    torch.save({"state_dict": state, "meta": {}}, tmp_path / "other.pth")
    scores, records = judge(config, tmp_path / "other.pth", tmp_path / "r.jsonl")
    assert list(records) == CELLS
    assert 0 < scores["clean/mIoU"] < 1
    assert {record["model"] for record in records.values()} == {"other"}


def test_a_detector_of_mmdetection(tmp_path):
    pytest.importorskip("mmdet")
    from helpers.tiny_retinanet import write_detector
    from mmdet.evaluation.metrics import CocoMetric

    from mmfan.apis import build_runner, load_config

    config, checkpoint = write_detector(tmp_path)
    scores, records = judge(config, checkpoint, tmp_path / "r.jsonl")
    assert list(records) == CELLS
    clean = records["clean", 0]
    assert (clean["model"], clean["dataset"]) == ("detector", "coco")
    assert set(clean["per_class"]["bbox_mAP"]) == {"box", "disc"}
    assert "counts" not in clean
    # the ordinary test of mmdetection, to its three digits
    expected = build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=checkpoint).test()
    assert CocoMetric.default_prefix == "coco"
    for name, value in clean["metrics"].items():
        theirs = expected[f"coco/{name}"]
        assert (value is None and theirs == -1) or np.isclose(round(value, 3), theirs), name
    assert scores["clean/bbox_mAP_50"] == clean["metrics"]["bbox_mAP_50"] > 0.001
    assert len({record["metrics"]["bbox_mAP_50"] for record in records.values()}) == len(CELLS)
