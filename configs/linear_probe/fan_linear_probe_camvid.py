# Linear probe of FAN-T-Hybrid on CamVid: the last four blocks of a trained backbone, frozen, and one linear layer.
#
#   MMFAN_CAMVID=/where/it/is mmfan train fan_linear_probe_camvid --cfg-options \
#       model.backbone.backbone.init_cfg.checkpoint=fan.pth
#
# One block: last=1 and in_channels=[192]. All 14: last="all" and in_channels=[128] * 3 + [256] * 3 + [192] * 8.
_base_ = [
    "../_base_/models/fan_segformer.py",
    "../_base_/datasets/camvid_320x320.py",
    "../_base_/schedules/schedule_1200.py",
    "../_base_/default_runtime.py",
]

probed = "work_dirs/fan_segformer_camvid/iter_1200.pth"  # what is probed; nothing of it changes
model = dict(
    data_preprocessor=dict(size=(320, 320)),  # smaller crops are padded to this
    backbone=dict(
        _delete_=True,
        type="mmfan.FrozenBlocks",
        backbone=dict(
            type="mmfan.FANHybrid",
            arch="tiny",
            pos_rounding=None,  # as in fan_segformer_camvid
            init_cfg=dict(type="Pretrained", checkpoint=probed, prefix="backbone."),
        ),
        last=4,
    ),
    decode_head=dict(
        _delete_=True,
        type="mmfan.LinearProbeHead",
        in_channels=[192, 192, 192, 192],
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
