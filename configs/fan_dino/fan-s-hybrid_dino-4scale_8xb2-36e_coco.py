# FAN-S-Hybrid with DINO (arXiv 2203.03605) on COCO: mmdetection's recipe with the backbone exchanged. Strides 8, 16 and
# 32 from the backbone, 64 from the neck. 8 GPUs x 2 pictures, 36 epochs, AdamW 1e-4 (backbone 1e-5), step at 30.
_base_ = "mmdet::dino/dino-4scale_r50_8xb2-36e_coco.py"

checkpoint = (
    "https://github.com/zhoudaquan/fully_attentional_network_ckpt/releases/download/v1.0.0/fan_hybrid_small.pth.tar"
)
model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(
        _delete_=True,
        type="mmfan.FANHybrid",
        arch="small",
        pos_rounding=None,
        final_downsample=True,
        out_levels=(1, 2, 3),  # of strides 4, 8, 16, 32
        out_norm=True,  # DINO's encoder wants levels of like scale
        drop_path_rate=0.3,
        with_cp=True,
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    neck=dict(in_channels=[256, 384, 768]),
)
# train2017 has a few boxes without width or height: clip what lies outside and leave out what has no area
train_dataloader = dict(dataset=dict(type="mmfan.CocoDataset", broken_boxes="clip"))
val_dataloader = dict(dataset=dict(type="mmfan.CocoDataset", broken_boxes="clip"))
test_dataloader = val_dataloader
randomness = dict(seed=0)
