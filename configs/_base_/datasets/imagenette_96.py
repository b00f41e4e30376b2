# A small set in ImageNet's folders, train/CLASS/ and val/CLASS/: Imagenette (ten classes of ImageNet), or a part of it.
# Where it lies: the variable MMFAN_IMAGENETTE. Training at 96 x 96; judged in ImageNet-C's form, 224 x 224 cut from the
# middle of 256 and corrupted there, then brought to 96 x 96.
_base_ = "./classification_common.py"

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
own = dict(data_root=data_root, dataset_name="imagenette")
train_dataloader = dict(dataset=dict(**own, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**own, pipeline=test_pipeline))
test_dataloader = val_dataloader
