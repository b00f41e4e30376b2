"""A made-up Cityscapes tree and a config of a segmentor small enough to train within a test.

The pictures are 96 x 64: sky above, road below, a car, a strip of ignored pixels, and noise.
"""

from pathlib import Path

import cv2
import numpy as np

CONFIGS = Path(__file__).parents[2] / "configs"
SIZE = (64, 96)  # height, width

CONFIG = """
_base_ = [
    "{configs}/_base_/models/fan_segformer.py",
    "{configs}/_base_/datasets/mini_cityscapes_128x256.py",
    "{configs}/_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(size=(64, 64)),
    backbone=dict(arch=dict(embed_dims=32, depth=2, num_heads=4, stem_depths=(1, 1)), out_indices=(1,)),
    decode_head=dict(in_channels=[128, 256, 32, 32], embed_dim=48, dropout_ratio=0.0),
)
data_root = "{data}"
# nothing random but the order of the pictures
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.LoadSegAnnotations"),
    dict(type="Resize", scale=(64, 64), keep_ratio=False),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.LoadSegAnnotations"),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(num_workers=0, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.01))
param_scheduler = [dict(type="PolyLR", power=1.0, eta_min=0.0, begin=0, end=4, by_epoch=False)]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=4, val_interval=4)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=2),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
"""


def write_tree(root: Path, train: int = 6, val: int = 2) -> Path:
    """Draw the tree; the same bytes every time."""
    rng = np.random.default_rng(0)
    height, width = SIZE
    for split, count in (("train", train), ("val", val)):
        for index in range(count):
            labels = np.zeros(SIZE, np.uint8)
            labels[: height // 2] = 10
            labels[24:44, 10 + 6 * index : 40 + 6 * index] = 13
            labels[:3] = 255
            noise = rng.integers(0, 40, (height, width, 3))
            picture = (labels[..., None].astype(int) * 12 % 216 + noise).astype(np.uint8)
            for kind, suffix, content in (
                ("leftImg8bit", "leftImg8bit", picture),
                ("gtFine", "gtFine_labelTrainIds", labels),
            ):
                path = root / kind / split / "town" / f"town_{index:06d}_000000_{suffix}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), content)
    return root


def write_config(path: Path, data: Path, more: str = "") -> Path:
    """Write the config for a tree; ``more`` is appended to it."""
    path.write_text(CONFIG.format(configs=CONFIGS.as_posix(), data=data.as_posix()) + more)
    return path


def write_checkpoint(path: Path, config: Path, meta: bool = True) -> Path:
    """Save the config's model as it is built, in the form of a run's checkpoint; the same weights each time."""
    import torch
    from mmengine.registry import MODELS, DefaultScope

    from mmfan.apis import load_config

    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmseg"):
        state = MODELS.build(load_config(config).model).state_dict()
    classes = [f"thing {number}" for number in range(19)]
    palette = [[10 * number, 255 - 10 * number, number] for number in range(19)]
    content = {"state_dict": state, "meta": {"dataset_meta": {"classes": classes, "palette": palette}} if meta else {}}
    torch.save(content, path)
    return path


def run_tool(monkeypatch, tool: str, *arguments: object) -> int:
    """Run a tool in this process (a process of its own takes seconds to import everything); returns its exit status."""
    import runpy
    import sys

    monkeypatch.setattr(sys, "argv", [tool, *map(str, arguments)])
    try:
        runpy.run_path(str(CONFIGS.parent / "tools" / tool), run_name="__main__")
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0
