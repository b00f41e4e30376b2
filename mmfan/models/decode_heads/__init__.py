"""Segmentation heads; they need mmseg."""

from mmfan.environment import is_installed, register_missing
from mmfan.registry import MODELS

if is_installed("mmseg"):
    from mmfan.models.decode_heads.linear_probe_head import LinearProbeHead
    from mmfan.models.decode_heads.segformer_head import FANSegformerHead
    from mmfan.models.decode_heads.shape_token_head import ShapeTokenHead

    __all__ = ["FANSegformerHead", "LinearProbeHead", "ShapeTokenHead"]
else:
    register_missing(MODELS, "mmseg", ("FANSegformerHead", "LinearProbeHead", "ShapeTokenHead"))
