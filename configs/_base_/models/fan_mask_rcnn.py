# A FAN backbone with FPN and Mask R-CNN (arXiv 2204.12451, 1703.06870). The size of the backbone, its weights and the
# neck's `in_channels` belong to the experiment.
# From mmdetection's base: FPN 256 x 5, anchors of scale 8 at strides 4 to 64, a box head of two layers of 1024, a mask
# head of 4 convolutions on 14 x 14; at test score 0.05, NMS 0.5, 100 boxes a picture.
_base_ = "mmdet::_base_/models/mask-rcnn_r50_fpn.py"

norm_cfg = dict(type="SyncBN", requires_grad=True)  # becomes BN by itself in a run without a GPU or with one process
model = dict(
    backbone=dict(
        _delete_=True,
        type="mmfan.FANHybrid",
        pos_rounding=None,  # the published detection code divides without rounding in its position encoding
        final_downsample=True,  # strides 4, 8, 16, 32; sides are padded to multiples of 32
        drop_path_rate=0.3,  # published for every size
        with_cp=True,  # recompute the backbone in the backward pass
        norm_cfg=norm_cfg,
    ),
)
