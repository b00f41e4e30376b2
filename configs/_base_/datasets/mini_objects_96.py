# The miniature for classification: objects of 7 classes, cut out of the drawn scenes, 96 x 96, from
# `mmfan mini objects data/mini_objects`.
dataset_type = "mmfan.ClassFoldersDataset"
data_root = "data/mini_objects/"
metainfo = dict(classes=("person", "bicycle", "car", "motorcycle", "bus", "train", "truck"))
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=96, area=(0.5, 1.0)),
    dict(type="RandomFlip", prob=0.5),
    dict(type="mmfan.PackClasses"),
]
test_pipeline = [dict(type="mmfan.LoadImageFromFile"), dict(type="mmfan.PackClasses")]
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path="train"),
        metainfo=metainfo,
        dataset_name="mini_objects",
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path="val"),
        metainfo=metainfo,
        dataset_name="mini_objects",
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
