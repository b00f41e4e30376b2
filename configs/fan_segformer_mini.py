# FAN-T-Hybrid from scratch on the miniature, in about 6 minutes on 2 CPU cores: what `make demo` trains.
#
#   python tools/make_mini_set.py cityscapes data/mini_cityscapes
#   python tools/train.py configs/fan_segformer_mini.py
_base_ = [
    "./_base_/models/fan_segformer.py",
    "./_base_/datasets/mini_cityscapes_256x256.py",
    "./_base_/default_runtime.py",
]

model = dict(
    data_preprocessor=dict(size=(256, 256)),  # smaller crops are padded to this
    backbone=dict(arch="tiny"),
    decode_head=dict(in_channels=[128, 256, 192, 192]),
)

# 240 iterations x 4 crops = 960 crops, 4.8 times through the 200 pictures
max_iters = 240
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=6e-4, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=30, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=0.0, begin=30, end=max_iters, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=max_iters)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=5, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=60, max_keep_ckpts=2),
)
