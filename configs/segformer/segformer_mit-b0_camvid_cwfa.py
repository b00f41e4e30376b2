# segformer_mit-b0_camvid with channel-wise feature augmentation (arXiv 2412.01941) of the paper's strength, as
# --robust cwfa makes it.
#
#   MMFAN_CAMVID=/where/it/is mmfan train segformer_mit-b0_camvid_cwfa
_base_ = "./segformer_mit-b0_camvid.py"

custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps=9, prob=0.3, begin=0.1)]
