# AlterNet-50 from scratch on ImageNet-1k, 300 epochs of 224 x 224: the recipe published with it. How many GPUs it was
# for is not stated; no weights and no score of it on ImageNet were published.
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenet_224_less_erasing.py",
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
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=1.25e-4))
custom_hooks = []  # no mean of the weights
auto_scale_lr = dict(enable=False, base_batch_size=128)
