# FAN's pre-training on ImageNet: AdamW, cosine to 1e-6 over 300 epochs, weight decay 0.05, mixed precision, a running
# mean of the weights. Learning rates stand in the configs, and a warm-up that is not of 5 epochs.
max_epochs = 300
optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05),
    # as timm has it, by which the published models were trained
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=5, end=max_epochs, convert_to_iter_based=True),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs, val_interval=10)
custom_hooks = [
    # 0.99992 of the mean is kept in each step
    dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=8e-5, update_buffers=True),
]
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=100),
    checkpoint=dict(type="CheckpointHook", interval=10, max_keep_ckpts=3),
)
