# FAN-T-Hybrid from scratch on ImageNet-1k, 350 epochs of 224 x 224: the published teacher of STL.
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenet_224.py",
    "../_base_/schedules/schedule_imagenet_350e.py",
    "../_base_/classification_runtime.py",
]
default_scope = "mmpretrain"  # RandAugment and RandomErasing; pip install 'mmfan[cls]'

model = dict(
    type="mmfan.TokenLabeler",
    network=dict(type="mmfan.FANTokenClassifier", backbone=dict(arch="tiny", drop_path_rate=0.05)),
    mixing=dict(mixup=0.8, cutmix=1.0),
)
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
auto_scale_lr = dict(enable=False, base_batch_size=1024)
