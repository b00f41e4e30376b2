# FAN-S-ViT with a simple feature pyramid (arXiv 2203.16527) and Mask R-CNN on COCO: all of FAN-ViT's outputs have
# stride 16, and strides 4 to 32 are made from the last one. 8 GPUs x 2 pictures, short side 480 to 800, 36 epochs.
# There is no published figure for it.
_base_ = [
    "../_base_/models/fan_mask_rcnn.py",
    "../_base_/datasets/coco_instance_detr.py",
    "../_base_/schedules/schedule_36e.py",
    "../_base_/detection_runtime.py",
]

checkpoint = (
    "https://github.com/zhoudaquan/fully_attentional_network_ckpt/releases/download/v1.0.0/fan_vit_small.pth.tar"
)
model = dict(
    backbone=dict(
        type="mmfan.FAN",
        arch="small",
        out_indices=(),  # only the last output, after class attention
        final_downsample=False,  # stays at stride 16
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    neck=dict(_delete_=True, type="mmfan.SimpleFeaturePyramid", in_channels=384, out_channels=256, num_outs=5),
)
