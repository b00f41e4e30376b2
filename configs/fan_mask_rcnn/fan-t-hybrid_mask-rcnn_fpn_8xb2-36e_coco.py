# FAN-T-Hybrid with Mask R-CNN on COCO: 8 GPUs x 2 pictures, short side 480 to 800, 36 epochs. Published with the first
# code: 45.8 box AP, 29.7 on COCO-C (one scale, no flip).
_base_ = [
    "../_base_/models/fan_mask_rcnn.py",
    "../_base_/datasets/coco_instance_detr.py",
    "../_base_/schedules/schedule_36e.py",
    "../_base_/detection_runtime.py",
]

checkpoint = (
    "https://github.com/zhoudaquan/fully_attentional_network_ckpt/releases/download/v1.0.0/fan_hybrid_tiny.pth.tar"
)
model = dict(
    backbone=dict(
        arch="tiny",
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    neck=dict(in_channels=[128, 256, 192, 768]),
)
