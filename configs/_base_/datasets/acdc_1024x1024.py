# ACDC, real fog, night, rain and snow, 1920 x 1080, with Cityscapes' train ids; training crops of 1024 x 1024, of all
# four. Where the set lies: the variable MMFAN_ACDC. What is tested: MMFAN_ACDC_CONDITION, fog unless it is set.
_base_ = "./segmentation_common.py"

dataset_type = "mmfan.ACDCDataset"
data_root = "{{$MMFAN_ACDC:data/acdc}}"
crop_size = (1024, 1024)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="RandomResize", scale=(1920, 1080), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="PackSegInputs"),
]
# of the original size: 6 scales x 2 = 12 predictions a picture
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1]["transforms"].insert(
    0, [dict(type="Resize", scale_factor=r, keep_ratio=True) for r in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)]
)
train_dataloader = dict(
    batch_size=1,  # a GPU; 8 GPUs
    num_workers=4,
    dataset=dict(type=dataset_type, data_root=data_root, data_prefix=None, split="train", pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=4,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=None,
        split="val",
        condition="{{$MMFAN_ACDC_CONDITION:fog}}",
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
