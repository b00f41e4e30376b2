# ImageNet-1k at 224 x 224 with the augmentations of FAN's pre-training: crop, flip, RandAugment (magnitude 9, its
# standard deviation 0.5, rising with the magnitude) and random erasing. RandAugment and RandomErasing are mmpretrain's.
_base_ = "./classification_common.py"

data_root = "data/imagenet/"
crop_size = (224, 224)
rand_augment = dict(
    type="RandAugment",
    policies="timm_increasing",
    num_policies=2,
    total_level=10,
    magnitude_level=9,
    magnitude_std=0.5,
    hparams=dict(pad_val=[104, 116, 124], interpolation="bicubic"),
)
random_erasing = dict(
    type="RandomErasing",
    erase_prob=0.3,
    mode="rand",
    min_area_ratio=0.02,
    max_area_ratio=1 / 3,
    fill_color=[103.53, 116.28, 123.675],
    fill_std=[57.375, 57.12, 58.395],
)
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=224, interpolation="bicubic"),
    dict(type="RandomFlip", prob=0.5),
    rand_augment,
    random_erasing,
    dict(type="mmfan.PackClasses"),
]
test_pipeline = [dict(type="mmfan.LoadFormedImage", resize=256, crop=224), dict(type="mmfan.PackClasses")]
own = dict(data_root=data_root, dataset_name="imagenet")
train_dataloader = dict(
    num_workers=8,
    drop_last=True,
    sampler=dict(type="DefaultSampler"),
    dataset=dict(**own, pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=64, num_workers=4, dataset=dict(**own, pipeline=test_pipeline))
test_dataloader = val_dataloader
