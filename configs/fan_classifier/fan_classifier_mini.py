# A narrow FAN-ViT from scratch on the objects of the miniature, in a few minutes on a CPU.
#
#   mmfan mini objects data/mini_objects
#   mmfan train fan_classifier_mini
_base_ = [
    "../_base_/models/fan_classifier.py",
    "../_base_/datasets/mini_objects_96.py",
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
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.99), weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, begin=0, end=50, by_epoch=False),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=300)
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=10, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=100, max_keep_ckpts=2),
)
