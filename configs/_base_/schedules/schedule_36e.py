# FAN's published detection schedule: AdamW 1e-4, no decay on norms, 36 epochs (3x) with steps at 27 and 33, linear
# warm-up over the first 500 iterations from 0.001 of the rate. Published runs used mixed precision: add --amp.
# 36 x 118 287 pictures / 16 = 266 000 iterations.
max_epochs = 36
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-4, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, begin=0, end=500, by_epoch=False),
    dict(type="MultiStepLR", milestones=[27, 33], gamma=0.1, begin=0, end=max_epochs, by_epoch=True),
]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
# Only with --auto-scale-lr: the rate above is for 8 GPUs x 2 pictures.
auto_scale_lr = dict(enable=False, base_batch_size=16)
