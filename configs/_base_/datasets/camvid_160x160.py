# CamVid at half its size, 240 x 180, from `mmfan prepare camvid --halve`: for trainings that compare and must be short.
# Where the set lies: the variable MMFAN_CAMVID_HALF.
_base_ = "./camvid_320x320.py"

data_root = "{{$MMFAN_CAMVID_HALF:data/camvid_half}}"
crop_size = (160, 160)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="RandomResize", scale=(240, 180), ratio_range=(0.75, 1.75), keep_ratio=True),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
