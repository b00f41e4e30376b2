# SegFormer's head on a ResNet-18, by mmsegmentation's recipe of SegFormer-B0 on Cityscapes, with the best guess so
# far: feature augmentation and AugMix with consistency. It is not measured.
_base_ = "mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py"

# these stages end in no norm, so the push is a share of the features' own length
custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps_rel=0.5, prob=0.3, begin=0.1)]
model = dict(
    type="mmfan.ConsistencyWrapper",
    of="EncoderDecoder",
    backbone=dict(
        _delete_=True,
        type="ResNet",
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        norm_eval=False,
        style="pytorch",
        init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet18"),
    ),
    decode_head=dict(in_channels=[64, 128, 256, 512]),  # strides 4, 8, 16, 32
)
train_pipeline = [
    dict(type="mmfan.SeedByPicture", seed=0),
    *_base_.train_pipeline[:-1],
    dict(type="mmfan.Views", views=3, prob=0.4, steps=[dict(type="mmfan.AugMix")]),
    _base_.train_pipeline[-1],
]
train_dataloader = dict(
    sampler=dict(_delete_=True, type="mmfan.PassSampler", sampler=dict(type="InfiniteSampler", shuffle=True)),
    dataset=dict(pipeline=train_pipeline),
)
