# segformer_mit-b0_camvid with feature augmentation, of the paper's strength, and AugMix with consistency. In a training
# as short as this one it retains more, of a lower clean score (docs/robust_training.md).
#
#   MMFAN_CAMVID=/where/it/is mmfan train segformer_mit-b0_camvid_robust
_base_ = "./segformer_mit-b0_camvid.py"

custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps=9, prob=0.3, begin=0.1)]
model = dict(type="mmfan.ConsistencyWrapper", of="EncoderDecoder")
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
