"""The backbones under heads and necks that are not mmfan's."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope

from mmfan.registry import MODELS

ARCH = {"embed_dims": 32, "depth": 4, "num_heads": 4}
BACKBONES = {
    "vit": {"type": "mmfan.FAN", "arch": ARCH},
    "hybrid": {"type": "mmfan.FANHybrid", "arch": {**ARCH, "stem_depths": (1, 1)}},
    "swin": {
        "type": "mmfan.FANSwin",
        "arch": {"embed_dims": 16, "depths": (1, 2, 1, 1), "num_heads": (1, 2, 2, 2)},
        "out_norm": True,
    },
    "alternet": {
        "type": "mmfan.AlterNet",
        "arch": {"depths": (1, 2, 2, 2), "expansion": 2, "stem_width": 8},
        "num_msa": (0, 1, 1, 1),
    },
}
DETECTORS = {"hybrid": {"final_downsample": True}, "swin": {}, "alternet": {}}


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize(
    "head",
    [
        {"type": "mmseg.SegformerHead"},
        {"type": "mmseg.UPerHead", "pool_scales": (1, 2)},
        {"type": "mmfan.FANSegformerHead", "embed_dim": 16},
    ],
)
@pytest.mark.slow
def test_segmentor_trains_and_predicts(name, head):
    pytest.importorskip("mmseg")
    init_default_scope("mmseg")
    backbone = MODELS.build(BACKBONES[name])
    indices = list(range(len(backbone.out_channels)))
    width = {} if head["type"].startswith("mmfan") else {"channels": 16}
    model = MODELS.build(
        {
            "type": "mmseg.EncoderDecoder",
            "backbone": BACKBONES[name],
            "decode_head": {
                **head, **width, "in_channels": list(backbone.out_channels), "in_index": indices, "num_classes": 5,
                "norm_cfg": {"type": "BN"}, "align_corners": False,
            },
            "test_cfg": ConfigDict(mode="slide", crop_size=(64, 64), stride=(48, 48)),
        }
    )  # fmt: skip
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    samples = []
    for _ in range(2):
        sample = SegDataSample(metainfo={"img_shape": (64, 96), "ori_shape": (64, 96)})
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 5, (1, 64, 96)))
        samples.append(sample)
    x = torch.randn(2, 3, 64, 96)
    losses = model.train()(x, samples, mode="loss")
    losses["decode.loss_ce"].backward()
    frozen = {n for n, p in model.named_parameters() if p.grad is None}
    assert frozen == {n for n, p in model.named_parameters() if not p.requires_grad}
    with torch.no_grad():
        predicted = model.eval()(x, samples, mode="predict")
    assert [tuple(p.pred_sem_seg.data.shape) for p in predicted] == [(1, 64, 96)] * 2


@pytest.mark.parametrize("name", DETECTORS)
def test_feature_pyramid_of_a_detector(name):
    pytest.importorskip("mmdet")
    init_default_scope("mmdet")
    backbone = MODELS.build({**BACKBONES[name], **DETECTORS[name]})
    neck = MODELS.build(
        {"type": "mmdet.FPN", "in_channels": list(backbone.out_channels), "out_channels": 16, "num_outs": 5}
    )
    outputs = neck(backbone(torch.randn(1, 3, 64, 96)))
    assert [tuple(o.shape[2:]) for o in outputs] == [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]
