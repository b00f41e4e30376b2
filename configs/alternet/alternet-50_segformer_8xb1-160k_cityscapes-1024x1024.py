# AlterNet-50 with the SegFormer head on Cityscapes.
# Trained as FAN's published segmentors are: 8 GPUs x 1 picture, crops of 1024 x 1024, 160 000 iterations.
# No ImageNet weights of AlterNet were published: name your own file in the backbone's init_cfg, or start fresh.
_base_ = [
    "../_base_/models/fan_segformer.py",
    "../_base_/datasets/cityscapes_1024x1024.py",
    "../_base_/schedules/schedule_160k.py",
    "../_base_/default_runtime.py",
]

model = dict(
    data_preprocessor=dict(size=(1024, 1024)),  # smaller crops are padded to this
    backbone=dict(
        _delete_=True,
        type="mmfan.AlterNet",
        arch="50",
        num_msa=(0, 1, 3, 2),  # the layout of the paper for large data; (0, 0, 0, 0) is the ResNet it grew from
        drop_path_rate=0.1,  # as in the paper
        norm_cfg=dict(type="SyncBN", requires_grad=True),
    ),
    # strides 4, 8, 16, 32
    decode_head=dict(in_channels=[256, 512, 1024, 2048]),
    # 2048 x 1024 in 3 windows that start at x = 0, 768 and 1024; logits are averaged where they overlap
    test_cfg=dict(mode="slide", crop_size=(1024, 1024), stride=(768, 768)),
)
# Swin's rule: no decay on the tables of relative positions.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"relative_position_bias_table": dict(decay_mult=0.0)}))
