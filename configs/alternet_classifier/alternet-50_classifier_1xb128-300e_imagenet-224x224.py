# AlterNet-50 from scratch on ImageNet-1k, 300 epochs of 224 x 224: the recipe published with it. How many GPUs it was
# for is not stated; no weights and no score of it on ImageNet were published.
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenet_224.py",
    "../_base_/schedules/schedule_imagenet_300e.py",
    "../_base_/classification_runtime.py",
]
default_scope = "mmpretrain"  # RandAugment and RandomErasing; pip install 'mmfan[cls]'

model = dict(
    network=dict(
        _delete_=True,
        type="mmfan.AlterNetClassifier",
        backbone=dict(type="mmfan.AlterNet", arch="50", drop_path_rate=0.1),
        num_classes=1000,
    ),
    mixing=dict(mixup=1.0, cutmix=0.8),  # the other way round than FAN's
)
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=224, interpolation="bicubic"),
    dict(type="RandomFlip", prob=0.5),
    {{_base_.rand_augment}},
    {{_base_.random_erasing_less}},
    dict(type="mmfan.PackClasses"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=1.25e-4))
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=5, end=300, convert_to_iter_based=True),
]
custom_hooks = []  # no mean of the weights
auto_scale_lr = dict(enable=False, base_batch_size=128)
