# FAN-L-Hybrid from scratch on ImageNet-1k, 300 epochs of 224 x 224: the published recipe.
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenet_224.py",
    "../_base_/schedules/schedule_imagenet_300e.py",
    "../_base_/classification_runtime.py",
]
default_scope = "mmpretrain"  # RandAugment and RandomErasing; pip install 'mmfan[cls]'

model = dict(
    network=dict(backbone=dict(type="mmfan.FANHybrid", arch="large", drop_path_rate=0.45)),
    mixing=dict(mixup=0.8, cutmix=1.0),
)
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=4e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=10, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=10, end=300, convert_to_iter_based=True),
]
auto_scale_lr = dict(enable=False, base_batch_size=2048)
