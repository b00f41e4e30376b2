# STL's pre-training on ImageNet: FAN's, over 350 epochs.
_base_ = "./schedule_imagenet_300e.py"

max_epochs = 350
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", eta_min=1e-6, begin=5, end=max_epochs, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs)
