# segformer_r18_camvid with feature augmentation and AugMix with consistency (docs/robust_training.md). With this
# backbone it is not measured.
#
#   MMFAN_CAMVID=/where/it/is mmfan train segformer_r18_camvid_robust
_base_ = "./segformer_r18_camvid_cwfa.py"

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
