"""Backbones: one family a file."""

from mmfan.models.backbones.alternet import AlterNet
from mmfan.models.backbones.fan import FAN
from mmfan.models.backbones.fan_hybrid import FANHybrid
from mmfan.models.backbones.fan_swin import FANSwin
from mmfan.models.backbones.frozen_blocks import FrozenBlocks

__all__ = ["FAN", "AlterNet", "FANHybrid", "FANSwin", "FrozenBlocks"]
