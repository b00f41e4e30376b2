# CamVid, real road scenes, as 480 x 360 pictures in Cityscapes' tree with Cityscapes' train ids, from
# tools/prepare_camvid.py. Training crops of 320 x 320. Where the set lies: the variable MMFAN_CAMVID.
dataset_type = "mmfan.CityscapesDataset"
data_root = "{{$MMFAN_CAMVID:data/camvid}}"
crop_size = (320, 320)
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.LoadSegAnnotations"),
    dict(type="RandomResize", scale=(480, 360), ratio_range=(0.75, 1.75), keep_ratio=True),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    # whole pictures: 480 x 360, padded to 480 x 368
    dict(type="mmfan.LoadSegAnnotations"),
    dict(type="PackSegInputs"),
]
tta_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(
        type="TestTimeAug",
        transforms=[
            # of the original size: 4 scales x 2 = 8 predictions a picture
            [dict(type="Resize", scale_factor=r, keep_ratio=True) for r in (0.75, 1.0, 1.25, 1.5)],
            [dict(type="RandomFlip", prob=0.0), dict(type="RandomFlip", prob=1.0)],
            [dict(type="mmfan.LoadSegAnnotations")],
            [dict(type="PackSegInputs")],
        ],
    ),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path="leftImg8bit/train", seg_map_path="gtFine/train"),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path="leftImg8bit/val", seg_map_path="gtFine/val"),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
test_evaluator = val_evaluator
