# Cascade R-CNN of mmdetection with its ResNet-50 from scratch on BCCD, trained in every point as
# fan_cascade_rcnn_bccd.py: the model to compare it with.
#
#   MMFAN_BCCD=/where/it/is mmfan train cascade-rcnn_r50_bccd
_base_ = "./fan_cascade_rcnn_bccd.py"

model = dict(
    backbone=dict(
        _delete_=True,
        type="ResNet",
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        frozen_stages=-1,  # from scratch, everything learns
        norm_cfg=dict(type="BN", requires_grad=True),
        norm_eval=False,
        style="pytorch",
    ),
    neck=dict(in_channels=[256, 512, 1024, 2048]),
)
