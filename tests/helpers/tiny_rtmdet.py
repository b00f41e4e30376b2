"""A config of RTMDet-Ins, which pads its pictures to squares and learns from masks, small enough for a test."""

from helpers.tiny_mask_rcnn import write_coco_tree

CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "train", "truck")
CONFIG = """
_base_ = ["mmdet::rtmdet/rtmdet-ins_tiny_8xb32-300e_coco.py"]
model = dict(
    backbone=dict(widen_factor=0.125, norm_cfg=dict(type="BN"), init_cfg=None),
    neck=dict(in_channels=[32, 64, 128], out_channels=16, norm_cfg=dict(type="BN")),
    bbox_head=dict(in_channels=16, feat_channels=16, num_classes=7, norm_cfg=dict(type="BN")),
)
test_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="CocoDataset",
        data_root="{root}",
        ann_file="annotations/instances_val2017.json",
        data_prefix=dict(img="val2017/"),
        metainfo=dict(classes={classes}, palette=[(200, 20 * at, 0) for at in range(7)]),
        test_mode=True,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="Resize", scale=(192, 192), keep_ratio=True),
            dict(type="Pad", size=(192, 192), pad_val=dict(img=(114, 114, 114))),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
        ],
    ),
)
test_evaluator = dict(
    _delete_=True, type="CocoMetric", ann_file="{root}/annotations/instances_val2017.json", metric="bbox"
)
custom_hooks = []
"""


def write_rtmdet(folder):
    """Write set, config and checkpoint (of the model as it is built); returns the paths of the last two."""
    import torch
    from mmengine.registry import MODELS, DefaultScope

    from mmfan.apis import load_config

    write_coco_tree(folder / "data")
    config = folder / "rtmdet.py"
    config.write_text(CONFIG.replace("{root}", (folder / "data").as_posix()).replace("{classes}", repr(CLASSES)))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(load_config(config).model)
    torch.save({"state_dict": model.state_dict(), "meta": {}}, folder / "rtmdet.pth")
    return config, folder / "rtmdet.pth"
