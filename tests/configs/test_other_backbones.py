"""The configs of FAN-Swin and AlterNet, made small, train for a moment and are evaluated."""

import copy
from pathlib import Path

import pytest
import torch
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.hooks import Hook
from mmengine.registry import MODELS, DefaultScope

from mmfan.apis import build_runner, load_config

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "configs"
SWIN = {"arch": {"embed_dims": 16, "depths": (1, 2, 1, 1), "num_heads": (1, 2, 2, 2)}}
ALTERNET = {
    "arch": {"depths": (1, 2, 2, 2), "expansion": 2, "num_heads": (1, 1, 1, 1), "stem_width": 8},
    "num_msa": (0, 1, 1, 1),
}
# config, what makes its backbone small, the channels that come of it
SMALL = {
    "fan-t-swin_segformer": (SWIN, [16, 32, 64, 128]),
    "fan-t-swin_upernet": (SWIN, [16, 32, 64, 128]),
    "alternet-50_segformer": (ALTERNET, [16, 32, 64, 128]),
    "alternet-50_upernet": (ALTERNET, [16, 32, 64, 128]),
}


def config_of(name):
    return load_config(FOLDER / f"{name}_8xb1-160k_cityscapes-1024x1024.py")


class Losses(Hook):
    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen.append(outputs["loss"].item())


def shrunk(name):
    """The config's model with a small backbone and narrow heads; everything else as it is."""
    backbone, channels = SMALL[name]
    model = config_of(name).model.to_dict()
    model["backbone"].update(backbone)
    head = model["decode_head"]
    head["in_channels"] = channels
    head["embed_dim" if "embed_dim" in head else "channels"] = 16
    if "auxiliary_head" in model:
        model["auxiliary_head"].update(in_channels=channels[2], channels=16)
    model["data_preprocessor"]["size"] = (64, 64)
    model["test_cfg"] = {"mode": "slide", "crop_size": (64, 64), "stride": (48, 48)}
    return model


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.process
def test_a_small_one_trains_and_is_evaluated(name, tmp_path):
    data = write_tree(tmp_path / "data")
    config = write_config(tmp_path / f"{name}.py", data, f"model = { ({'_delete_': True} | shrunk(name))!r}\n")
    cfg = load_config(config)
    cfg.train_cfg.max_iters = cfg.train_cfg.val_interval = cfg.param_scheduler[0].end = 12
    cfg.optim_wrapper.optimizer.lr = 0.01
    runner = build_runner(cfg, work_dir=tmp_path / "work")
    losses = Losses()
    runner.register_hook(losses)
    runner.train()
    assert len(losses.seen) == 12
    assert sum(losses.seen[-3:]) < 0.9 * sum(losses.seen[:3])
    assert 0 < runner.message_hub.get_scalar("val/mIoU").current() <= 100


@pytest.mark.parametrize("name", SMALL)
def test_whole_model_fits_together(name):
    """Every parameter of the real size has a use, so DDP needs no search for unused ones."""
    cfg = config_of(name)
    with DefaultScope.overwrite_default_scope("mmseg"), torch.device("meta"):
        model = MODELS.build(copy.deepcopy(cfg.model))
    assert list(model.backbone.out_channels) == list(cfg.model.decode_head.in_channels)
    assert model.backbone.out_strides == (4, 8, 16, 32)
    assert not list(model.backbone.unused_in_dense())
    if "auxiliary_head" in cfg.model:
        assert cfg.model.auxiliary_head.in_channels == model.backbone.out_channels[2]
    assert cfg.optim_wrapper.paramwise_cfg.custom_keys["relative_position_bias_table"] == {"decay_mult": 0.0}
