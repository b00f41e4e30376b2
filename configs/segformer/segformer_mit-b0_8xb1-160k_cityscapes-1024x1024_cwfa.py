# mmsegmentation's recipe of SegFormer-B0 on Cityscapes with channel-wise feature augmentation (arXiv 2412.01941). It
# is not measured.
_base_ = "mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py"

custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps=9, prob=0.3, begin=0.1)]
