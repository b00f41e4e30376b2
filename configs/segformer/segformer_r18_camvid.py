# ResNet-18 with SegFormer's head from scratch on CamVid, trained in every point as segformer_mit-b0_camvid.py: what a
# convolutional network retains.
#
#   MMFAN_CAMVID=/where/it/is mmfan train segformer_r18_camvid
_base_ = "./segformer_mit-b0_camvid.py"

model = dict(
    backbone=dict(
        _delete_=True,
        type="ResNet",
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type="BN", requires_grad=True),
        norm_eval=False,
        style="pytorch",
    ),
    decode_head=dict(in_channels=[64, 128, 256, 512]),  # strides 4, 8, 16, 32
)
