# ImageNet-1k as imagenet_224.py has it, with a quarter of the pictures erased in part instead of three tenths.
_base_ = "./imagenet_224.py"

random_erasing = dict(**_base_.random_erasing)
random_erasing.update(erase_prob=0.25)
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=224, interpolation="bicubic"),
    dict(type="RandomFlip", prob=0.5),
    {{_base_.rand_augment}},
    random_erasing,
    dict(type="mmfan.PackClasses"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
