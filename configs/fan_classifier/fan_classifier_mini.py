# A narrow FAN-ViT from scratch on the objects of the miniature, in a few minutes on a CPU.
#
#   mmfan mini objects data/mini_objects
#   mmfan train fan_classifier_mini
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/mini_objects_96.py",
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
        num_classes=7,
    ),
)

# 600 iterations x 32 pictures = about 24 times through the 800 pictures
max_iters = 600
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, begin=0, end=50, by_epoch=False),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=300)
