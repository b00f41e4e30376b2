# The recipe of FAN-T-Hybrid on Cityscapes with feature augmentation, as often as its paper has it for so long a
# training, and AugMix with consistency. On Cityscapes it is not measured.
_base_ = "./fan-t-hybrid_segformer_8xb1-160k_cityscapes-1024x1024_cwfa.py"

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
