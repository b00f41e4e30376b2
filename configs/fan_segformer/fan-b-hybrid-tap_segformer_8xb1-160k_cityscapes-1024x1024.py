# FAN-B-Hybrid with token-aware pooling and diversified attention (TAPADL, ICCV 2023) on Cityscapes, by FAN's recipe.
# Published: 82.9 mIoU, 69.7 on Cityscapes-C. The published segmentor is a file for `mmfan convert`; the backbone starts
# from scratch, because no weights of it alone are public.
_base_ = "./fan-b-hybrid_segformer_8xb1-160k_cityscapes-1024x1024.py"

checkpoint = None
model = dict(backbone=dict(token_pooling=4, init_cfg=checkpoint))
custom_hooks = [dict(type="mmfan.AttentionDiversityHook", weight=1.0, rows=256)]
