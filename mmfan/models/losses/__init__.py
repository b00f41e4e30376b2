"""Losses of segmentation; they need mmseg."""

from mmfan.environment import is_installed, register_missing
from mmfan.registry import MODELS

if is_installed("mmseg"):
    from mmfan.models.losses.cross_entropy import CrossEntropyLoss

    __all__ = ["CrossEntropyLoss"]
else:
    register_missing(MODELS, "mmseg", ("CrossEntropyLoss",))
