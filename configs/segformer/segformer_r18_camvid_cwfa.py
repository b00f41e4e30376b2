# segformer_r18_camvid with channel-wise feature augmentation (arXiv 2412.01941), as --robust cwfa makes it.
#
#   MMFAN_CAMVID=/where/it/is mmfan train segformer_r18_camvid_cwfa
_base_ = "./segformer_r18_camvid.py"

# these stages end in no norm, so the push is a share of the features' own length
custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps_rel=0.5, prob=0.3, begin=0.1)]
