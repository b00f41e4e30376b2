# FAN-B-ViT with the SegFormer head on Cityscapes, the published recipe: 8 GPUs x 1 picture, crops of 1024 x 1024,
# 160 000 iterations. All four outputs have stride 16.
_base_ = [
    "../_base_/models/fan_segformer.py",
    "../_base_/datasets/cityscapes_1024x1024.py",
    "../_base_/schedules/schedule_160k.py",
    "../_base_/default_runtime.py",
]

checkpoint = (
    "https://github.com/zhoudaquan/fully_attentional_network_ckpt/releases/download/v1.0.0/fan_vit_base.pth.tar"
)
model = dict(
    data_preprocessor=dict(size=(1024, 1024)),  # smaller crops are padded to this
    backbone=dict(
        type="mmfan.FAN",
        arch="base",
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    decode_head=dict(in_channels=[448, 448, 448, 448]),
    # 2048 x 1024 in 3 windows that start at x = 0, 768 and 1024; logits are averaged where they overlap
    test_cfg=dict(mode="slide", crop_size=(1024, 1024), stride=(768, 768)),
)
