# SegFormer-B0 of mmsegmentation from scratch on CamVid, trained in every point as fan_segformer_camvid.py: the model to
# compare it with.
#
#   MMFAN_CAMVID=/where/it/is mmfan train segformer_mit-b0_camvid
_base_ = [
    "../_base_/models/mit-b0.py",
    "../_base_/datasets/camvid_320x320.py",
    "../_base_/schedules/schedule_1200.py",
    "../_base_/default_runtime.py",
]

model = dict(
    backbone=dict(drop_path_rate=0.1),
    decode_head=dict(
        type="SegformerHead",
        in_channels=[32, 64, 160, 256],
        in_index=[0, 1, 2, 3],
        channels=256,
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=_base_.norm_cfg,
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
)
