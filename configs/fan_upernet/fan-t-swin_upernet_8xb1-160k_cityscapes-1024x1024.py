# FAN-T-Swin with UPerNet, the head of Swin's own segmentors, on Cityscapes.
# Trained as FAN's published segmentors are: 8 GPUs x 1 picture, crops of 1024 x 1024, 160 000 iterations.
# No weights of FAN-Swin were published: name your own ImageNet file in the backbone's init_cfg, or start fresh.
_base_ = [
    "../_base_/models/fan_upernet.py",
    "../_base_/datasets/cityscapes_1024x1024.py",
    "../_base_/schedules/schedule_160k.py",
    "../_base_/default_runtime.py",
]

model = dict(
    data_preprocessor=dict(size=(1024, 1024)),  # smaller crops are padded to this
    backbone=dict(
        type="mmfan.FANSwin",
        arch="tiny",
        drop_path_rate=0.3,  # as in the ImageNet training, rising from the first block to the last
        out_norm=True,
        norm_cfg=dict(type="SyncBN", requires_grad=True),
    ),
    # strides 4, 8, 16, 32
    decode_head=dict(in_channels=[96, 192, 384, 768]),
    auxiliary_head=dict(in_channels=384),
    # 2048 x 1024 in 3 windows that start at x = 0, 768 and 1024; logits are averaged where they overlap
    test_cfg=dict(mode="slide", crop_size=(1024, 1024), stride=(768, 768)),
)
# Swin's rule: no decay on the tables of relative positions.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"relative_position_bias_table": dict(decay_mult=0.0)}))
