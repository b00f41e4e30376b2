# FAN-T-Hybrid from scratch on ImageNet-1k, 350 epochs of 224 x 224: the published student of STL.
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenet_224_kept.py",
    "../_base_/schedules/schedule_imagenet_350e.py",
    "../_base_/classification_runtime.py",
]
default_scope = "mmpretrain"  # RandAugment and RandomErasing; pip install 'mmfan[cls]'

# The teacher: a published one, or a checkpoint of fan-t-hybrid_token-labeler_..., by the variable.
teacher = "{{$MMFAN_TEACHER:work_dirs/fan-t-hybrid_token-labeler_8xb128-350e_imagenet-224x224/epoch_350.pth}}"
network = dict(type="mmfan.FANTokenClassifier", backbone=dict(type="mmfan.FANHybrid", arch="tiny"), num_classes=1000)
model = dict(
    type="mmfan.TokenLabelStudent",
    network=dict(type="mmfan.FANTokenClassifier", backbone=dict(arch="tiny", drop_path_rate=0.05)),
    mixing=dict(mixup=0.8, cutmix=1.0),
    teacher=dict(**network, checkpoint=teacher),
)
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
auto_scale_lr = dict(enable=False, base_batch_size=1024)
