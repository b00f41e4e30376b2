"""The parts of the models, in pure torch: nothing here imports an OpenMMLab package."""

from mmfan.models.layers.channel_processing import CHANNEL_MIXERS
from mmfan.models.layers.class_attention import ClassAttentionBlock
from mmfan.models.layers.convnext import HybridPatchEmbed
from mmfan.models.layers.fan_block import FANBlock
from mmfan.models.layers.patch_embed import ConvPatchEmbed
from mmfan.models.layers.position import FourierPosition

__all__ = ["CHANNEL_MIXERS", "ClassAttentionBlock", "ConvPatchEmbed", "FANBlock", "FourierPosition", "HybridPatchEmbed"]
