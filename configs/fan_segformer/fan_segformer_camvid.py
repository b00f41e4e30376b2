# FAN-T-Hybrid from scratch on CamVid's real road scenes.
#
#   MMFAN_CAMVID=/where/it/is mmfan train fan_segformer_camvid
_base_ = [
    "../_base_/models/fan_segformer.py",
    "../_base_/datasets/camvid_320x320.py",
    "../_base_/schedules/schedule_1200.py",
    "../_base_/default_runtime.py",
]

model = dict(
    data_preprocessor=dict(size=(320, 320)),  # smaller crops are padded to this
    backbone=dict(arch="tiny"),
    decode_head=dict(in_channels=[128, 256, 192, 192]),
)
