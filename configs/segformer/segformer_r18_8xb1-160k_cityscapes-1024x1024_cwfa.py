# segformer_r18_8xb1-160k_cityscapes-1024x1024 with channel-wise feature augmentation (arXiv 2412.01941). It is not
# measured.
_base_ = "./segformer_r18_8xb1-160k_cityscapes-1024x1024.py"

# these stages end in no norm, so the push is a share of the features' own length
custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps_rel=0.5, prob=0.3, begin=0.1)]
