# FAN-S-Hybrid from scratch on ImageNet-1k, 350 epochs of 224 x 224: the published student of STL.
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenet_224.py",
    "../_base_/schedules/schedule_imagenet_300e.py",
    "../_base_/classification_runtime.py",
]
default_scope = "mmpretrain"  # RandAugment and RandomErasing; pip install 'mmfan[cls]'

# The teacher: a published one, or a checkpoint of fan-s-hybrid_token-labeler_..., by the variable.
teacher = "{{$MMFAN_TEACHER:work_dirs/fan-s-hybrid_token-labeler_8xb128-350e_imagenet-224x224/epoch_350.pth}}"
network = dict(type="mmfan.FANTokenClassifier", backbone=dict(type="mmfan.FANHybrid", arch="small"), num_classes=1000)
model = dict(
    type="mmfan.TokenLabelStudent",
    network=dict(type="mmfan.FANTokenClassifier", backbone=dict(arch="small", drop_path_rate=0.25)),
    mixing=dict(mixup=0.8, cutmix=1.0),
    teacher=dict(**network, checkpoint=teacher),
)
train_pipeline = [
    dict(type="mmfan.LoadImageFromFile"),
    dict(type="mmfan.RandomResizedCrop", scale=224, interpolation="bicubic"),
    dict(type="RandomFlip", prob=0.5),
    dict(type="mmfan.KeepClean"),  # what the teacher sees
    {{_base_.rand_augment}},
    {{_base_.random_erasing}},
    dict(type="mmfan.PackClasses"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline), batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=5, end=350, convert_to_iter_based=True),
]
auto_scale_lr = dict(enable=False, base_batch_size=1024)
train_cfg = dict(max_epochs=350)
