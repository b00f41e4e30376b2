# FAN's ImageNet model: class token -> norm -> linear, with label smoothing.
model = dict(
    type="mmfan.ImageClassifier",
    data_preprocessor=dict(
        type="ImgDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    network=dict(
        type="mmfan.FANClassifier",
        backbone=dict(type="mmfan.FANHybrid", arch="tiny"),
        num_classes=1000,
    ),
    smoothing=0.1,
)
