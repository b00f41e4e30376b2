"""mmcv's compiled operators read a map's memory as (B, C, H, W): what leaves a backbone or neck must lie so."""

import pytest
import torch

from mmfan.registry import MODELS

pytest.importorskip("mmcv.ops", exc_type=ImportError)
pytest.importorskip("mmdet")
from mmcv.ops import roi_align
from mmengine.registry import DefaultScope

FAN = {"embed_dims": 32, "depth": 2, "num_heads": 4}
BACKBONES = {
    "FAN": {"type": "mmfan.FAN", "arch": FAN},
    "FAN-Hybrid": {"type": "mmfan.FANHybrid", "arch": {**FAN, "stem_depths": (1, 1)}, "final_downsample": True},
    "FAN-Hybrid, normed": {"type": "mmfan.FANHybrid", "arch": {**FAN, "stem_depths": (1, 1)}, "out_norm": True},
    "FAN-Swin": {"type": "mmfan.FANSwin", "arch": "tiny"},
    "FAN-Swin, normed": {"type": "mmfan.FANSwin", "arch": "tiny", "out_norm": True},
    "AlterNet": {"type": "mmfan.AlterNet", "arch": 18},
}


def check_points(maps):
    """RoIAlign of a box around one point, with one sample, is the value of the map there."""
    for level, x in enumerate(maps):
        height, width = x.shape[2:]
        row, column = height // 2, width - 1
        box = torch.tensor([[1.0, column, row, column + 1, row + 1]])  # picture 1; left, top, right, bottom
        found = roi_align(x, box, (1, 1), 1.0, 1, "avg", True)
        torch.testing.assert_close(found[0, :, 0, 0], x[1, :, row, column], msg=f"level {level}, {x.stride()}")


@pytest.mark.parametrize("name", BACKBONES)
def test_region_features_are_those_of_the_place(name):
    backbone = MODELS.build(BACKBONES[name])
    maps = backbone(torch.randn(2, 3, 64, 96))
    check_points(maps)
    neck = {"type": "FPN", "in_channels": list(backbone.out_channels), "out_channels": 8, "num_outs": len(maps)}
    with DefaultScope.overwrite_default_scope("mmdet"):
        check_points(MODELS.build(neck)(maps))


def test_the_simple_feature_pyramid():
    neck = MODELS.build({"type": "mmfan.SimpleFeaturePyramid", "in_channels": 32, "out_channels": 8})
    check_points(neck([torch.randn(2, 32, 8, 12)]))
