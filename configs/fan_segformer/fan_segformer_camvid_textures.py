# fan_segformer_camvid with textures swapped within segments (after arXiv 1811.12231), as --robust textures makes it:
# what the teacher of fan_segformer_camvid_shape is trained with. It is not measured yet.
#
#   MMFAN_CAMVID=/where/it/is mmfan train fan_segformer_camvid_textures
_base_ = "./fan_segformer_camvid.py"

train_pipeline = [
    dict(type="mmfan.SeedByPicture", seed=0),
    *_base_.train_pipeline[:-1],
    dict(type="mmfan.SwapTextures"),
    _base_.train_pipeline[-1],
]
train_dataloader = dict(
    sampler=dict(_delete_=True, type="mmfan.PassSampler", sampler=dict(type="InfiniteSampler", shuffle=True)),
    dataset=dict(pipeline=train_pipeline),
)
