# What the classification sets have in common: ImageNet's folders train/CLASS/ and val/CLASS/, and their loaders.
dataset_type = "mmfan.ClassFoldersDataset"
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(type=dataset_type, data_prefix=dict(img_path="train")),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type=dataset_type, data_prefix=dict(img_path="val"), test_mode=True),
)
test_dataloader = val_dataloader
