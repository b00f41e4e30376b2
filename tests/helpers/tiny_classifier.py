"""A config of a classifier small enough to train within a test, on the pictures of :mod:`helpers.tiny_classes`."""

from pathlib import Path

from helpers.tiny_classes import write_set

CONFIGS = Path(__file__).parents[2] / "configs"
BACKBONE = {"type": "mmfan.FAN", "arch": {"embed_dims": 32, "depth": 1, "num_heads": 4}, "out_indices": (0,)}

CONFIG = """
_base_ = ["{configs}/fan_classifier/fan_classifier_mini.py"]
model = dict(network=dict(backbone=dict({backbone}), num_classes=3))
load = dict(type="mmfan.LoadFormedImage", resize=40, crop=40)
pack = [dict(type="Resize", scale=(32, 32)), dict(type="mmfan.PackClasses")]
# nothing random but the order of the pictures
train_pipeline = [load, *pack]
metainfo = dict(_delete_=True, classes=("n01", "n02", "n07"))
data = dict(data_root="{data}", metainfo=metainfo, dataset_name="tiny", pipeline=train_pipeline)
train_dataloader = dict(batch_size=3, num_workers=0, dataset=dict(data))
val_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(data))
test_dataloader = val_dataloader
param_scheduler = [dict(type="LinearLR", start_factor=0.5, begin=0, end=4, by_epoch=False)]
train_cfg = dict(type="IterBasedTrainLoop", max_iters=4, val_interval=4)
default_hooks = dict(
    logger=dict(type="LoggerHook", interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=2),
)
"""


def write_config(folder: Path, count: int = 2, more: str = "") -> Path:
    """``folder/tiny.py`` with its set in ``folder/set/{train,val}``; returns the config."""
    for split in ("train", "val"):
        write_set(folder / "set" / split, count)
    backbone = ", ".join(f"{key}={value!r}" for key, value in BACKBONE.items())
    config = folder / "tiny.py"
    config.write_text(CONFIG.format(configs=CONFIGS, data=folder / "set", backbone=backbone) + more)
    return config
