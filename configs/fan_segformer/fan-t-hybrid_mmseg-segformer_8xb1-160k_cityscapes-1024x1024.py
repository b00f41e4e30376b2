# A config that inherits from mmsegmentation: its SegFormer-B0 recipe and its own SegformerHead (norm and ReLU in every
# level, 256 wide), with FAN-T-Hybrid in place of the MiT backbone. mmfan's tools resolve `mmseg::` and `mmdet::` bases
# with the onedl packages as with the original ones. Data: data/cityscapes, mmsegmentation's own dataset class.
_base_ = "mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py"

checkpoint = (
    "https://github.com/zhoudaquan/fully_attentional_network_ckpt/releases/download/v1.0.0/fan_hybrid_tiny.pth.tar"
)
model = dict(
    backbone=dict(
        _delete_=True,
        type="mmfan.FANHybrid",
        arch="tiny",
        pos_rounding=None,
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    decode_head=dict(in_channels=[128, 256, 192, 192]),
)
randomness = dict(seed=0)
