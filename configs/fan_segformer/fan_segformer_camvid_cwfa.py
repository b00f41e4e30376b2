# fan_segformer_camvid with channel-wise feature augmentation (arXiv 2412.01941), as --robust cwfa makes it. What
# it comes to is told in docs/robust_training.md.
#
#   MMFAN_CAMVID=/where/it/is mmfan train fan_segformer_camvid_cwfa
_base_ = "./fan_segformer_camvid.py"

# FAN's stages end in no norm, so the push is a share of the features' own length
custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps_rel=0.5, prob=0.3, begin=0.1)]
