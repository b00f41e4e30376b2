# ImageNet-1k as imagenet_224.py has it, for a student: the crop that its teacher sees is kept as it is.
_base_ = "./imagenet_224.py"

train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=224, interpolation="bicubic"),
    dict(type="RandomFlip", prob=0.5),
    dict(type="mmfan.KeepClean"),
    {{_base_.rand_augment}},
    {{_base_.random_erasing}},
    dict(type="mmfan.PackClasses"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
