# COCO 2017 with boxes and masks; the augmentation of DETR (arXiv 2005.12872), as FAN's published detectors have it.
# From mmdetection's base: pictures at most 1333 x 800 for testing, no TTA, CocoMetric on boxes and masks.
_base_ = "mmdet::_base_/datasets/coco_instance.py"

dataset_type = "mmfan.CocoDataset"  # mmdetection's, with the errors it leaves for later
data_root = "data/coco/"
# the short side is 480 to 800, the long one at most 1333
scales = [(short, 1333) for short in range(480, 801, 32)]
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
    dict(type="RandomFlip", prob=0.5),
    dict(
        type="RandomChoice",
        transforms=[
            [dict(type="RandomChoiceResize", scales=scales, keep_ratio=True)],
            [
                dict(type="RandomChoiceResize", scales=[(400, 1333), (500, 1333), (600, 1333)], keep_ratio=True),
                dict(type="RandomCrop", crop_type="absolute_range", crop_size=(384, 600), allow_negative_crop=True),
                dict(type="RandomChoiceResize", scales=scales, keep_ratio=True),
            ],
        ],
    ),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(
    batch_size=2,  # a GPU; 8 GPUs
    num_workers=4,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        # train2017 has a few boxes without width or height: clip what lies outside and leave out what has no area
        broken_boxes="clip",
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(num_workers=4, dataset=dict(type=dataset_type, data_root=data_root, broken_boxes="clip"))
test_dataloader = val_dataloader
