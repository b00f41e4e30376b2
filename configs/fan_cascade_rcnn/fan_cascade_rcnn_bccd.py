# FAN-T-Hybrid with Cascade R-CNN (boxes only) from scratch on BCCD's real pictures of blood cells, on 2 CPU cores.
#
#   MMFAN_BCCD=/where/it/is mmfan train fan_cascade_rcnn_bccd
#   MMFAN_BCCD=/where/it/is mmfan judge fan_cascade_rcnn_bccd CHECKPOINT \
#       --protocol common15 --dataset-name bccd
_base_ = [
    "mmdet::_base_/models/cascade-rcnn_r50_fpn.py",
    "../_base_/datasets/bccd_256x192.py",
    "../_base_/detection_runtime.py",
]

width = 128  # of the pyramid and the heads, instead of 256
model = dict(
    backbone=dict(
        _delete_=True,
        type="mmfan.FANHybrid",
        arch="tiny",
        final_downsample=True,
        stem_layer_scale=1.0,  # from scratch: the ConvNeXt blocks must speak from the start
        norm_cfg=dict(type="BN"),
    ),
    neck=dict(in_channels=[128, 256, 192, 768], out_channels=width, norm_cfg=dict(type="BN")),
    rpn_head=dict(
        in_channels=width,
        feat_channels=width,
        anchor_generator=dict(scales=[4]),  # of 16 to 256 pixels, instead of 32 to 512
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=width),
        bbox_head=[
            dict(
                type="Shared2FCBBoxHead",
                in_channels=width,
                fc_out_channels=512,
                roi_feat_size=7,
                num_classes=3,
                bbox_coder=dict(
                    type="DeltaXYWHBBoxCoder",
                    target_means=[0.0, 0.0, 0.0, 0.0],
                    target_stds=[centre, centre, side, side],
                ),
                reg_class_agnostic=True,
                loss_cls=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type="SmoothL1Loss", beta=1.0, loss_weight=1.0),
            )
            for centre, side in ((0.1, 0.2), (0.05, 0.1), (0.033, 0.067))
        ],
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=300),
        rcnn=[
            dict(
                assigner=dict(
                    type="MaxIoUAssigner",
                    pos_iou_thr=overlap,
                    neg_iou_thr=overlap,
                    min_pos_iou=overlap,
                    match_low_quality=False,
                    ignore_iof_thr=-1,
                ),
                sampler=dict(
                    type="RandomSampler",
                    num=128,  # instead of 512
                    pos_fraction=0.25,
                    neg_pos_ub=-1,
                    add_gt_as_proposals=True,
                ),
                pos_weight=-1,
                debug=False,
            )
            for overlap in (0.5, 0.6, 0.7)
        ],
    ),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=200)),
)

# 1 000 iterations x 2 pictures = 7 times through the 292 pictures; an iteration is about 1.5 s of work for one core
max_iters = 1000
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=5e-4, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0.0),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, begin=0, end=50, by_epoch=False),
    dict(type="PolyLR", power=0.9, eta_min=0.0, begin=50, end=max_iters, by_epoch=False),
]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=250)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=10, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=50, max_keep_ckpts=2),
)
