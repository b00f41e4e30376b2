# FAN-L-Hybrid with Cascade Mask R-CNN on COCO, the published recipe: 8 GPUs x 2 pictures, short side 480 to 800, 36
# epochs. Published: 54.1 box AP from ImageNet-1k; 55.1 (42.0 on COCO-C) from ImageNet-22k, as here.
_base_ = [
    "../_base_/models/fan_cascade_mask_rcnn.py",
    "../_base_/datasets/coco_instance_detr.py",
    "../_base_/schedules/schedule_36e.py",
    "../_base_/detection_runtime.py",
]

checkpoint = "https://github.com/zhoudaquan/fully_attentional_network_ckpt/releases/download/v1.0.0/fan_hybrid_large_in22k_1k.pth.tar"
model = dict(
    backbone=dict(
        arch="large",  # taps block 18 of 0..21
        # There is no public ImageNet-1k file of FAN-L; this one saw ImageNet-22k first.
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    neck=dict(in_channels=[128, 256, 480, 768]),
)
