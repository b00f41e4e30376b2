# What every run has in common: logs, checkpoints, seed, test-time augmentation's model.
default_scope = "mmseg"
env_cfg = dict(
    cudnn_benchmark=True,  # crops have one size, so the search for the fastest kernels pays
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),  # without a GPU mmfan uses gloo
)
# The order of the pictures after --resume continues only with a fixed seed.
randomness = dict(seed=0)
vis_backends = [dict(type="LocalVisBackend")]
visualizer = dict(type="SegLocalVisualizer", vis_backends=vis_backends, name="visualizer")
log_processor = dict(by_epoch=False)
log_level = "INFO"
load_from = None
resume = False

tta_model = dict(type="SegTTAModel")
