# FAN-T-Hybrid from scratch on the miniature, in about 7 minutes on 2 CPU cores: what `make demo` trains.
#
#   mmfan mini cityscapes data/mini_cityscapes
#   mmfan train fan_segformer_mini
_base_ = [
    "../_base_/models/fan_segformer.py",
    "../_base_/datasets/mini_cityscapes_128x256.py",
    "../_base_/default_runtime.py",
]

# (share of the training pixels) ** -0.25, with mean 1 over the pixels: road 29 %, traffic light 0.3 %
class_weight = [
    0.75, 1.27, 0.85, 1.65, 1.85, 1.54, 2.31, 2.11, 0.97, 1.6, 0.94, 1.79, 1.63, 1.04, 1.18, 1.23, 1.4, 1.83, 1.77,
]  # fmt: skip
model = dict(
    data_preprocessor=dict(size=(128, 256)),
    # From scratch: the ConvNeXt blocks must speak from the start, 1e-6 would silence them for the whole training.
    backbone=dict(arch="tiny", stem_layer_scale=1.0),
    # 256 wide instead of the published 768
    decode_head=dict(
        in_channels=[128, 256, 192, 192],
        embed_dim=256,
        # mmseg 1.2.2's own loss fails on class weights with ignored pixels
        loss_decode=dict(type="mmfan.CrossEntropyLoss", class_weight=class_weight),
    ),
)

# 700 iterations x 4 pictures = 14 times through the 200 pictures
max_iters = 700
optim_wrapper = dict(
    type="OptimWrapper",
    # a short memory of the squared gradients suits a short training
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.99), weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, begin=0, end=30, by_epoch=False),
    dict(type="PolyLR", power=0.9, eta_min=0.0, begin=30, end=max_iters, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=350)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=10, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=50, max_keep_ckpts=2),
)
