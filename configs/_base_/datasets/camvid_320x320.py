# CamVid, real road scenes, as 480 x 360 pictures in Cityscapes' tree with Cityscapes' train ids, from
# `mmfan prepare camvid`. Training crops of 320 x 320. Where the set lies: the variable MMFAN_CAMVID.
_base_ = "./segmentation_common.py"

data_root = "{{$MMFAN_CAMVID:data/camvid}}"
crop_size = (320, 320)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="RandomResize", scale=(480, 360), ratio_range=(0.75, 1.75), keep_ratio=True),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    # whole pictures: 480 x 360, padded to 480 x 368
    dict(type="LoadAnnotations"),
    dict(type="PackSegInputs"),
]
# of the original size: 4 scales x 2 = 8 predictions a picture
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1]["transforms"].insert(
    0, [dict(type="Resize", scale_factor=r, keep_ratio=True) for r in (0.75, 1.0, 1.25, 1.5)]
)
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=2,
    dataset=dict(data_root=data_root, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
