# BCCD, stained blood under the microscope: 292 + 72 pictures of 640 x 480 with boxes of red cells, white cells and
# platelets, 13 in a picture, in COCO's form; see data/README.md. Whole pictures at 0.4 of their size, 256 x 192, for
# two cores; both are multiples of 32, so that nothing is padded. Where the set lies: the variable MMFAN_BCCD.
dataset_type = "mmfan.CocoDataset"
data_root = "{{$MMFAN_BCCD:data/bccd}}"
metainfo = dict(
    classes=("RBC", "WBC", "Platelets"),
    palette=[(220, 20, 60), (119, 63, 214), (255, 176, 0)],
)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="Resize", scale=(256, 192), keep_ratio=True),
    # no side of a slide is up
    dict(type="RandomFlip", prob=[0.25, 0.25, 0.25], direction=["horizontal", "vertical", "diagonal"]),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(256, 192), keep_ratio=True),
    # after Resize: the truth keeps its own size, predictions are brought back to it
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        metainfo=metainfo,
        ann_file="instances_train.json",
        data_prefix=dict(img="train/"),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        metainfo=metainfo,
        ann_file="instances_val.json",
        data_prefix=dict(img="val/"),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type="CocoMetric", ann_file=data_root + "/instances_val.json", metric="bbox")
test_evaluator = val_evaluator
