# A narrow FAN-ViT from scratch on 2 000 real pictures of ten classes (or all of Imagenette), in minutes on a CPU.
#
#   MMFAN_IMAGENETTE=/where/it/is mmfan train fan_classifier_imagenette
#   MMFAN_IMAGENETTE=/where/it/is mmfan judge fan_classifier_imagenette CHECKPOINT --protocol imagenet_c19
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/imagenette_96.py",
    "../_base_/schedules/schedule_small_classifier.py",
    "../_base_/classification_runtime.py",
]

model = dict(
    network=dict(
        backbone=dict(
            _delete_=True,
            type="mmfan.FAN",
            arch=dict(embed_dims=128, depth=6, num_heads=4),
        ),
        num_classes=10,
    ),
)

# 1 500 iterations x 32 pictures = 24 times through the 2 000 pictures
max_iters = 1500
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, begin=0, end=50, by_epoch=False),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=500)
