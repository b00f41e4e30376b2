# The yardstick of the table of evidence (docs/robust_training.md): fan_segformer_camvid at half the size and with a
# narrow head, 12 minutes of one CPU core. It is there to compare ways of training, not to be used.
#
#   MMFAN_CAMVID_HALF=/where/it/is mmfan bench robust cwfa --seed 0 --out runs/evidence
_base_ = [
    "../_base_/models/fan_segformer.py",
    "../_base_/datasets/camvid_160x160.py",
    "../_base_/schedules/schedule_1200.py",
    "../_base_/default_runtime.py",
]

model = dict(
    data_preprocessor=dict(size=(160, 160)),  # smaller crops are padded to this
    backbone=dict(arch="tiny"),
    decode_head=dict(in_channels=[128, 256, 192, 192], embed_dim=128),  # 128 wide instead of 768
)
# a run that is killed loses 100 iterations, and 200 where it was killed in writing a checkpoint: the oldest is removed
# before the next is written, and one alone would leave none; the last checkpoint is what is judged
train_cfg = dict(val_interval=_base_.max_iters)
default_hooks = dict(checkpoint=dict(interval=100, max_keep_ckpts=2, save_best=None))
