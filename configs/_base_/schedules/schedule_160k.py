# FAN's published segmentation schedule: AdamW 6e-5 for a batch of 8, 160 000 iterations, linear warm-up over the first
# 1 500 from 1e-6 of the rate, then linear decay (poly, power 1) to 0 at the end.
# 160 000 x 8 pictures / 2 975 training pictures = 430 times through Cityscapes.
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        # the longer key wins: the head's norm learns at the head's rate and has no decay either
        custom_keys={
            "decode_head": dict(lr_mult=10.0),
            "decode_head.fuse_norm": dict(lr_mult=10.0, decay_mult=0.0),
        },
    ),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-6, begin=0, end=1500, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=0.0, begin=1500, end=160000, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=160000, val_interval=4000)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=4000, max_keep_ckpts=2, save_best="mIoU"),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
# Only with --auto-scale-lr: the rate above is for 8 GPUs x 1 picture.
auto_scale_lr = dict(enable=False, base_batch_size=8)
