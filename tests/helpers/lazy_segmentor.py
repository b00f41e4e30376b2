"""A config in mmengine's pure Python, whose types are classes, of a SegFormer small enough to train within a test.

It reads the tree of :mod:`helpers.tiny_segmentor`.
"""

from pathlib import Path

BASE = """
from mmcv.transforms import LoadImageFromFile, Resize
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.optim import OptimWrapper
from mmseg.datasets import CityscapesDataset
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs, RandomCrop
from mmseg.evaluation import IoUMetric
from mmseg.models import EncoderDecoder, MixVisionTransformer, SegDataPreProcessor, SegformerHead
from mmseg.models.losses import CrossEntropyLoss
from torch.optim import SGD

default_scope = {scope!r}
model = dict(
    type=EncoderDecoder,
    data_preprocessor=dict(
        type=SegDataPreProcessor, size=(64, 64), mean=[120.0] * 3, std=[60.0] * 3, pad_val=0, seg_pad_val=255
    ),
    backbone=dict(type=MixVisionTransformer, embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 1, 1]),
    decode_head=dict(
        type=SegformerHead, in_channels=[8, 8, 8, 8], in_index=[0, 1, 2, 3], channels=8, num_classes=19,
        dropout_ratio=0.0, norm_cfg=dict(type="BN"), loss_decode=dict(type=CrossEntropyLoss),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
train_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=LoadAnnotations),
    dict(type=RandomCrop, crop_size=(64, 64)),
    dict(type=PackSegInputs),
]
test_pipeline = [
    dict(type=LoadImageFromFile),
    dict(type=Resize, scale=(64, 64)),
    dict(type=LoadAnnotations),
    dict(type=PackSegInputs),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type=InfiniteSampler, shuffle=True),
    dataset=dict(
        type=CityscapesDataset,
        data_root="{data}",
        data_prefix=dict(img_path="leftImg8bit/train", seg_map_path="gtFine/train"),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(
        type=CityscapesDataset,
        data_root="{data}",
        data_prefix=dict(img_path="leftImg8bit/val", seg_map_path="gtFine/val"),
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type=IoUMetric, iou_metrics=["mIoU"])
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.01))
"""
CONFIG = """
from mmengine.config import read_base

with read_base():
    from .base import *

from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop, ValLoop
from torch.optim import AdamW

optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=AdamW, lr=1e-3))
train_cfg = dict(type=IterBasedTrainLoop, max_iters=2, val_interval=2)
val_cfg = dict(type=ValLoop)
"""


def write_lazy_config(folder: Path, data: Path | str = "data", more: str = "", scope: str | None = "mmseg") -> Path:
    """Write the config and its base for a tree; ``more`` is appended to it."""
    (folder / "base.py").write_text(BASE.replace("{data}", Path(data).as_posix()).replace("{scope!r}", repr(scope)))
    path = folder / "experiment.py"
    path.write_text(CONFIG + more)
    return path
