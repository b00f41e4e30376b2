# FAN-T-Hybrid with Mask R-CNN from scratch on the miniature COCO, on 2 CPU cores.
#
#   mmfan mini coco data/mini_coco
#   mmfan train fan_mask_rcnn_mini
_base_ = [
    "../_base_/models/fan_mask_rcnn.py",
    "../_base_/datasets/mini_coco_192x384.py",
    "../_base_/detection_runtime.py",
]

width = 96  # of the pyramid and the heads, instead of 256
model = dict(
    backbone=dict(
        arch="tiny",
        stem_layer_scale=1.0,  # from scratch: the ConvNeXt blocks must speak from the start
        drop_path_rate=0.0,
        with_cp=False,
    ),
    neck=dict(in_channels=[128, 256, 192, 768], out_channels=width, norm_cfg=dict(type="BN")),
    rpn_head=dict(
        in_channels=width,
        feat_channels=width,
        anchor_generator=dict(scales=[4]),  # of 16 to 256 pixels, instead of 32 to 512
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=width),
        bbox_head=dict(in_channels=width, fc_out_channels=256, num_classes=7),
        mask_roi_extractor=dict(out_channels=width),
        mask_head=dict(in_channels=width, conv_out_channels=width, num_convs=2, num_classes=7),
    ),
    train_cfg=dict(rpn_proposal=dict(nms_pre=500, max_per_img=300), rcnn=dict(sampler=dict(num=128))),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=200)),
)

# 600 iterations x 2 pictures = 4 times through the 300 pictures
max_iters = 600
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=5e-4, betas=(0.9, 0.99), weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0.0),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, begin=0, end=50, by_epoch=False),
    dict(type="PolyLR", power=0.9, eta_min=0.0, begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=200)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=10, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=50, max_keep_ckpts=2),
)
