# The miniature for classification: objects of 7 classes, cut out of the drawn scenes, 96 x 96, from
# `mmfan mini objects data/mini_objects`.
_base_ = "./classification_common.py"

data_root = "data/mini_objects/"
metainfo = dict(classes=("person", "bicycle", "car", "motorcycle", "bus", "train", "truck"))
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=96, area=(0.5, 1.0)),
    dict(type="RandomFlip", prob=0.5),
    dict(type="mmfan.PackClasses"),
]
test_pipeline = [dict(type="mmfan.LoadImageFromFile"), dict(type="mmfan.PackClasses")]
own = dict(data_root=data_root, dataset_name="mini_objects", metainfo=metainfo)
train_dataloader = dict(dataset=dict(**own, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**own, pipeline=test_pipeline))
test_dataloader = val_dataloader
