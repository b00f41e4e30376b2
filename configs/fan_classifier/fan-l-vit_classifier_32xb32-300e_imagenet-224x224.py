# FAN-L-ViT from scratch on ImageNet-1k, 300 epochs of 224 x 224: the published recipe.
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenet_224.py",
    "../_base_/schedules/schedule_imagenet_300e.py",
    "../_base_/classification_runtime.py",
]
default_scope = "mmpretrain"  # RandAugment and RandomErasing; pip install 'mmfan[cls]'

model = dict(
    network=dict(backbone=dict(_delete_=True, type="mmfan.FAN", arch="large", drop_path_rate=0.3)),
    mixing=dict(mixup=0.8, cutmix=1.0),
)
train_dataloader = dict(batch_size=32)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(enable=False, base_batch_size=1024)
