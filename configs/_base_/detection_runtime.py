# What every detection run has in common: mmdetection's runtime, checkpoints, seed.
_base_ = "mmdet::_base_/default_runtime.py"

default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=3, save_best="coco/bbox_mAP"),
)
# The order of the pictures after --resume continues only with a fixed seed.
randomness = dict(seed=0)
