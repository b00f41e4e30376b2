# The miniature: 200 + 40 drawn street scenes of 512 x 256 in Cityscapes' tree and with its 19 classes, from
# `python tools/make_mini_set.py cityscapes data/mini_cityscapes`. Whole pictures at half size, 256 x 128: a short
# training learns more from many small pictures in their natural layout than from crops at many scales.
dataset_type = "mmfan.CityscapesDataset"
data_root = "data/mini_cityscapes"
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.LoadSegAnnotations"),
    dict(type="Resize", scale=(256, 128), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="Resize", scale=(256, 128), keep_ratio=True),
    # after Resize: the truth keeps its own size, predictions are brought back to it
    dict(type="mmfan.LoadSegAnnotations"),
    dict(type="PackSegInputs"),
]
tta_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(
        type="TestTimeAug",
        transforms=[
            # of the original size: 3 scales x 2 = 6 predictions a picture
            [dict(type="Resize", scale_factor=r, keep_ratio=True) for r in (0.4, 0.5, 0.6)],
            [dict(type="RandomFlip", prob=0.0), dict(type="RandomFlip", prob=1.0)],
            [dict(type="mmfan.LoadSegAnnotations")],
            [dict(type="PackSegInputs")],
        ],
    ),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
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
    num_workers=1,
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
