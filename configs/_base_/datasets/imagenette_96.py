# A small set in ImageNet's folders, train/CLASS/ and val/CLASS/: Imagenette (ten classes of ImageNet), or a part of it.
# Where it lies: the variable MMFAN_IMAGENETTE. Training at 96 x 96; judged in ImageNet-C's form, 224 x 224 cut from the
# middle of 256 and corrupted there, then brought to 96 x 96.
dataset_type = "mmfan.ClassFoldersDataset"
data_root = "{{$MMFAN_IMAGENETTE:data/imagenette}}"
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=96, area=(0.35, 1.0)),
    dict(type="RandomFlip", prob=0.5),
    dict(type="mmfan.PackClasses"),
]
test_pipeline = [
    dict(type="mmfan.LoadFormedImage", resize=256, crop=224),
    dict(type="Resize", scale=(96, 96), interpolation="area"),
    dict(type="mmfan.PackClasses"),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path="train"),
        dataset_name="imagenette",
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
        dataset_name="imagenette",
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
