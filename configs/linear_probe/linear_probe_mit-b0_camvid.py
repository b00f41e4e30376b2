# Linear probe of SegFormer-B0's backbone on CamVid, as fan_linear_probe_camvid.py: the model to compare it with.
#
#   MMFAN_CAMVID=/where/it/is mmfan train linear_probe_mit-b0_camvid --cfg-options \
#       model.backbone.backbone.init_cfg.checkpoint=b0.pth
#
# One block: last=1 and in_channels=[256]. All 8: last="all" and in_channels=[32, 32, 64, 64, 160, 160, 256, 256].
_base_ = [
    "../_base_/datasets/camvid_320x320.py",
    "../_base_/schedules/schedule_1200.py",
    "../_base_/default_runtime.py",
]

probed = "work_dirs/segformer_mit-b0_camvid/iter_1200.pth"  # what is probed; nothing of it changes
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(320, 320),  # smaller crops are padded to this
    ),
    backbone=dict(
        type="mmfan.FrozenBlocks",
        backbone=dict(
            type="MixVisionTransformer",
            in_channels=3,
            embed_dims=32,
            num_stages=4,
            num_layers=[2, 2, 2, 2],
            num_heads=[1, 2, 5, 8],
            patch_sizes=[7, 3, 3, 3],
            sr_ratios=[8, 4, 2, 1],
            out_indices=(0, 1, 2, 3),
            mlp_ratio=4,
            qkv_bias=True,
            init_cfg=dict(type="Pretrained", checkpoint=probed, prefix="backbone."),
        ),
        last=4,
    ),
    decode_head=dict(
        type="mmfan.LinearProbeHead",
        in_channels=[160, 160, 256, 256],
        num_classes=19,
        norm_cfg=dict(type="BN", requires_grad=True),
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
