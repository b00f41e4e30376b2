# Linear probe of SegFormer-B0's backbone on CamVid, as fan_linear_probe_camvid.py: the model to compare it with.
#
#   MMFAN_CAMVID=/where/it/is mmfan train linear_probe_mit-b0_camvid --cfg-options \
#       model.backbone.backbone.init_cfg.checkpoint=b0.pth
#
# One block: last=1 and in_channels=[256]. All 8: last="all" and in_channels=[32, 32, 64, 64, 160, 160, 256, 256].
_base_ = [
    "../_base_/models/mit-b0.py",
    "../_base_/datasets/camvid_320x320.py",
    "../_base_/schedules/schedule_1200.py",
    "../_base_/default_runtime.py",
]

probed = "work_dirs/segformer_mit-b0_camvid/iter_1200.pth"  # what is probed; nothing of it changes
mit = dict(**_base_.model.backbone, init_cfg=dict(type="Pretrained", checkpoint=probed, prefix="backbone."))
model = dict(
    backbone=dict(_delete_=True, type="mmfan.FrozenBlocks", backbone=mit, last=4),
    decode_head=dict(
        type="mmfan.LinearProbeHead",
        in_channels=[160, 160, 256, 256],
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
