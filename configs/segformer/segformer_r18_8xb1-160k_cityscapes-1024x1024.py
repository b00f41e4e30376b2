# SegFormer's head on a ResNet-18, by mmsegmentation's recipe of SegFormer-B0 on Cityscapes: what a convolutional
# network retains.
_base_ = "mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py"

model = dict(
    backbone=dict(
        _delete_=True,
        type="ResNet",
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        norm_eval=False,
        style="pytorch",
        init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet18"),
    ),
    decode_head=dict(in_channels=[64, 128, 256, 512]),  # strides 4, 8, 16, 32
)
