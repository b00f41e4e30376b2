"""Backbones, necks, heads and losses, registered under the scope ``mmfan``; importing this module registers them."""

from mmfan.environment import check_environment

check_environment()

from mmfan.models.backbones import FAN, AlterNet, FANHybrid, FANSwin, FrozenBlocks  # noqa: E402
from mmfan.models.classifier import AlterNetClassifier, FANClassifier, FANTokenClassifier  # noqa: E402
from mmfan.models.decode_heads import *  # noqa: E402, F403
from mmfan.models.losses import *  # noqa: E402, F403
from mmfan.models.necks import SimpleFeaturePyramid  # noqa: E402

__all__ = [
    "FAN",
    "AlterNet",
    "AlterNetClassifier",
    "FANClassifier",
    "FANHybrid",
    "FANSwin",
    "FANTokenClassifier",
    "FrozenBlocks",
    "SimpleFeaturePyramid",
]
