# The miniature: 200 + 40 drawn street scenes of 512 x 256 in Cityscapes' tree and with its 19 classes, from
# `mmfan mini cityscapes data/mini_cityscapes`. Whole pictures at half size, 256 x 128: a short
# training learns more from many small pictures in their natural layout than from crops at many scales.
_base_ = "./segmentation_common.py"

data_root = "data/mini_cityscapes"
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="Resize", scale=(256, 128), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(256, 128), keep_ratio=True),
    # after Resize: the truth keeps its own size, predictions are brought back to it
    dict(type="LoadAnnotations"),
    dict(type="PackSegInputs"),
]
# of the original size: 3 scales x 2 = 6 predictions a picture
tta_pipeline = _base_.tta_pipeline
tta_pipeline[1]["transforms"].insert(0, [dict(type="Resize", scale_factor=r, keep_ratio=True) for r in (0.4, 0.5, 0.6)])
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(data_root=data_root, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
