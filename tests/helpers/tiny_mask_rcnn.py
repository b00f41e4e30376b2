"""A drawn COCO tree and a config of a detector small enough to train within a test."""

from pathlib import Path

import numpy as np

CONFIGS = Path(__file__).parents[2] / "configs"
SIZE = (64, 128)  # height, width

CONFIG = """
_base_ = [
    "{configs}/_base_/models/fan_mask_rcnn.py",
    "{configs}/_base_/datasets/mini_coco_192x384.py",
    "{configs}/_base_/detection_runtime.py",
]
width = 16
model = dict(
    backbone=dict(arch=dict(embed_dims=32, depth=2, num_heads=4, stem_depths=(1, 1)), drop_path_rate=0.0),
    neck=dict(in_channels=[128, 256, 32, 768], out_channels=width),
    rpn_head=dict(in_channels=width, feat_channels=width),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=width),
        bbox_head=dict(in_channels=width, fc_out_channels=32, num_classes=7),
        mask_roi_extractor=dict(out_channels=width),
        mask_head=dict(in_channels=width, conv_out_channels=width, num_convs=1, num_classes=7),
    ),
    train_cfg=dict(rpn_proposal=dict(nms_pre=50, max_per_img=30), rcnn=dict(sampler=dict(num=32))),
    test_cfg=dict(rpn=dict(nms_pre=50, max_per_img=20), rcnn=dict(score_thr=0.0, max_per_img=5)),
)
data_root = "{data}/"
# nothing random but the order of the pictures
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(128, 64), keep_ratio=True),  # the heads need the scale it notes
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
    dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
]
loading = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline), **loading)
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline), **loading)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + "annotations/instances_val2017.json")
test_evaluator = val_evaluator
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.01))
param_scheduler = [dict(type="PolyLR", power=1.0, eta_min=0.0, begin=0, end=4, by_epoch=False)]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=4, val_interval=4)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=2, save_best=None),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
"""


def write_coco_tree(root: Path, train: int = 4, val: int = 2) -> Path:
    """Draw the tree; the same bytes every time."""
    from mmfan.datasets.miniature import write_coco

    write_coco(root, train=train, val=val, size=(SIZE[1], SIZE[0]), workers=1)
    return root


def write_detector_config(path: Path, data: Path, more: str = "") -> Path:
    """Write the config for a tree; ``more`` is appended to it."""
    path.write_text(CONFIG.format(configs=CONFIGS.as_posix(), data=data.as_posix()) + more)
    return path


def write_detector_checkpoint(path: Path, config: Path) -> Path:
    """Save the config's model as it is built, in the form of a run's checkpoint; the same weights each time."""
    import torch
    from mmengine.registry import MODELS, DefaultScope

    from mmfan.apis import load_config

    cfg = load_config(config)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        state = MODELS.build(cfg.model).state_dict()
    meta = {"dataset_meta": dict(cfg.test_dataloader.dataset.metainfo)}
    torch.save({"state_dict": state, "meta": meta}, path)
    return path


def batch(height: int, width: int, masks: bool = True) -> dict:
    """What a loader hands to a detector: one picture with two objects and a crowd."""
    import torch
    from mmdet.structures import DetDataSample
    from mmdet.structures.bbox import HorizontalBoxes
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    rng = np.random.default_rng(0)
    boxes = torch.tensor([[4.0, 6.0, 40.0, 50.0], [50.0, 20.0, 90.0, 60.0], [1.0, 1.0, 20.0, 12.0]])
    bitmaps = np.zeros((3, height, width), np.uint8)
    for bitmap, (left, top, right, bottom) in zip(bitmaps, boxes.int().tolist(), strict=True):
        bitmap[top:bottom, left:right] = 1

    def instances(chosen: slice) -> InstanceData:
        found = InstanceData(bboxes=HorizontalBoxes(boxes[chosen]), labels=torch.tensor([3, 1, 2])[chosen])
        if masks:
            found.masks = BitmapMasks(bitmaps[chosen], height, width)
        return found

    shape = (height, width)
    sample = DetDataSample(metainfo={"img_id": 1, "ori_shape": shape, "img_shape": shape, "scale_factor": (1.0, 1.0)})
    sample.gt_instances, sample.ignored_instances = instances(slice(0, 2)), instances(slice(2, 3))
    picture = torch.from_numpy(rng.integers(0, 256, (3, height, width), dtype=np.uint8))
    return {"inputs": [picture], "data_samples": [sample]}
