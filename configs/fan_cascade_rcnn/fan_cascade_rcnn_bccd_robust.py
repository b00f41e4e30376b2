# fan_cascade_rcnn_bccd with the best guess so far: feature augmentation and OA-Mix with consistency. It is a guess: no
# combination has been measured yet.
#
#   MMFAN_BCCD=/where/it/is mmfan train fan_cascade_rcnn_bccd_robust
_base_ = "./fan_cascade_rcnn_bccd.py"

custom_hooks = [dict(type="mmfan.FeatureAugmentHook", eps_rel=0.5, prob=0.3, begin=0.1)]
model = dict(type="mmfan.ConsistencyWrapper", of="CascadeRCNN")
train_pipeline = [
    dict(type="mmfan.SeedByPicture", seed=0),
    *_base_.train_pipeline[:-1],
    dict(type="mmfan.Views", views=2, steps=[dict(type="mmfan.OAMix")]),
    _base_.train_pipeline[-1],
]
train_dataloader = dict(
    sampler=dict(_delete_=True, type="mmfan.PassSampler", sampler=dict(type="InfiniteSampler", shuffle=True)),
    dataset=dict(pipeline=train_pipeline),
)
