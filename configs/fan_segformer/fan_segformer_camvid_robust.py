# fan_segformer_camvid with the best combination so far: feature augmentation and AugMix with consistency. What it
# comes to is told in docs/robust_training.md.
#
#   MMFAN_CAMVID=/where/it/is mmfan train fan_segformer_camvid_robust
_base_ = "./fan_segformer_camvid_cwfa.py"

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
