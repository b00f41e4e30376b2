# A FAN backbone with the SegFormer head behind FAN's published numbers (arXiv 2204.12451, 2105.15203).
# The size of the backbone, its weights and `in_channels` belong to the experiment.
norm_cfg = dict(type="SyncBN", requires_grad=True)  # becomes BN by itself in a run without a GPU or with one process
data_preprocessor = dict(
    type="SegDataPreProcessor",
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    # FAN needs sides that are multiples of 16; 2048 x 1024 is one, other pictures are padded right and below.
    test_cfg=dict(size_divisor=16),
)
model = dict(
    type="EncoderDecoder",
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type="mmfan.FANHybrid",
        # The published segmentation code divides without rounding in its position encoding. The ImageNet files were
        # trained with 'floor'; fine-tuning absorbs the difference.
        pos_rounding=None,
        drop_path_rate=0.0,  # as published for segmentation
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type="mmfan.FANSegformerHead",
        in_index=[0, 1, 2, 3],
        embed_dim=768,  # for every size of backbone
        dropout_ratio=0.1,
        num_classes=19,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
# DDP needs no find_unused_parameters: what the dense outputs do not depend on (the class token, most of the
# class-attention blocks) is not trained, so every parameter DDP knows gets its gradient in every iteration.
find_unused_parameters = False
