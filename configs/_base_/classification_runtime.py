# What every training of a classifier has in common: logs, checkpoints, seed. It needs mmengine and mmcv alone.
default_scope = "mmengine"
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),  # without a GPU mmfan uses gloo
)
# The order of the pictures after --resume continues only with a fixed seed.
randomness = dict(seed=0)
vis_backends = [dict(type="LocalVisBackend")]
visualizer = dict(type="Visualizer", vis_backends=vis_backends, name="visualizer")
log_level = "INFO"
load_from = None
resume = False

val_evaluator = dict(type="mmfan.ClassScoresMetric")
test_evaluator = val_evaluator
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
