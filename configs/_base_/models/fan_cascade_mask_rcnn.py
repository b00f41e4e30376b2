# FAN-Hybrid with FPN and Cascade Mask R-CNN: the detector behind FAN's published COCO figures (arXiv 2204.12451,
# 1906.09756). The size of the backbone, its weights and the neck's `in_channels` belong to the experiment.
# From mmdetection's base: FPN 256 x 5, anchors of scale 8 at strides 4 to 64, three stages at IoU 0.5 / 0.6 / 0.7 with
# weights 1 / 0.5 / 0.25, a mask head of 4 convolutions on 14 x 14; at test score 0.05, NMS 0.5, 100 boxes a picture.
_base_ = "mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py"

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
    roi_head=dict(
        bbox_head=[
            dict(
                type="ConvFCBBoxHead",
                num_shared_convs=4,
                num_shared_fcs=1,
                in_channels=256,
                conv_out_channels=256,
                fc_out_channels=1024,
                roi_feat_size=7,
                num_classes=80,
                bbox_coder=dict(
                    type="DeltaXYWHBBoxCoder",
                    target_means=[0.0, 0.0, 0.0, 0.0],
                    target_stds=[centre, centre, side, side],
                ),
                reg_class_agnostic=False,
                reg_decoded_bbox=True,  # GIoU needs boxes, not their deltas
                norm_cfg=norm_cfg,
                loss_cls=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type="GIoULoss", loss_weight=10.0),
            )
            for centre, side in ((0.1, 0.2), (0.05, 0.1), (0.033, 0.067))
        ],
    ),
)
