# fan_segformer_camvid with a second read-out that learns what a teacher of shapes says (after arXiv 2105.10497). The
# teacher is fan_segformer_camvid_textures, trained before. It is not measured yet.
#
#   MMFAN_CAMVID=/where/it/is mmfan train fan_segformer_camvid_shape
#
# The second read-out is dropped in testing; --cfg-options model.read=averaged takes the mean of both.
_base_ = "./fan_segformer_camvid.py"

model = dict(
    type="mmfan.ShapeTeacherWrapper",
    of="EncoderDecoder",
    teacher={{_base_.model}},
    checkpoint="work_dirs/fan_segformer_camvid_textures/iter_1200.pth",
    auxiliary_head=dict(type="mmfan.ShapeTokenHead", in_channels=192, in_index=3, channels=128, num_classes=19),
)
