# FAN-B-Hybrid with Cascade Mask R-CNN on COCO, the published recipe: 8 GPUs x 2 pictures, short side 480 to 800, 36
# epochs. Published: 53.5 box AP from ImageNet-1k, as here; 54.2 (40.6 on COCO-C), very likely from ImageNet-22k.
_base_ = [
    "../_base_/models/fan_cascade_mask_rcnn.py",
    "../_base_/datasets/coco_instance_detr.py",
    "../_base_/schedules/schedule_36e.py",
    "../_base_/detection_runtime.py",
]

checkpoint = (
    "https://github.com/zhoudaquan/fully_attentional_network_ckpt/releases/download/v1.0.0/fan_hybrid_base.pth.tar"
)
model = dict(
    backbone=dict(
        arch="base",
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    neck=dict(in_channels=[128, 256, 448, 768]),
)
