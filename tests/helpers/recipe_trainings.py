"""Short trainings by each recipe, of a tiny segmentor and a tiny detector, and one of them in two processes."""

import os

import pytest
import torch
from mmengine.hooks import Hook

from helpers.tiny_segmentor import write_config, write_tree
from mmfan.apis import build_runner, load_config
from mmfan.training.recipes import apply_recipes

# every recipe, in sets that go together
SETS = {
    "segmentor": (
        ["cwfa", "augmix", "adl", "apr", "fda", "wave", "ema"],
        [
            "cwfa-light",
            "teacher",
            "paint",
            "textures",
            "mask",
            "prime",
            "filter",
            "colour",
            "augmix-plain",
            "swa",
            "seeded",
        ],
    ),
    "detector": (
        ["cwfa", "augmix", "adl", "apr", "fda", "wave", "ema"],
        ["oamix", "mask", "prime", "filter", "colour", "augmix-plain", "swa"],
        ["teacher", "cwfa-light", "seeded"],
    ),
}
EVERY_SET = [(family, number) for family, sets in SETS.items() for number in range(len(sets))]
LENGTH = "train_cfg['max_iters'] = 4\n"


class Watch(Hook):
    def __init__(self, stop_after=None):
        self.losses, self.stop_after = [], stop_after

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append({name: float(value.detach()) for name, value in outputs.items() if "loss" in name})
        if runner.iter == self.stop_after:
            raise KeyboardInterrupt


def write(folder, family, more=""):
    if family == "segmentor":
        more += "model['decode_head']['dropout_ratio'] = 0.1\n"
        return write_config(folder / "seg.py", write_tree(folder / "data"), more)
    from helpers.tiny_mask_rcnn import write_coco_tree, write_detector_config

    more += "val_cfg = val_dataloader = val_evaluator = None\n"
    return write_detector_config(folder / "det.py", write_coco_tree(folder / "data"), more)


def train(config, names, work_dir, stop_after=None, workers=0, **options):
    cfg = load_config(config)
    apply_recipes(cfg, names)
    cfg.train_cfg.val_interval = 100
    cfg.train_dataloader.num_workers = workers
    cfg.experiment_name = f"{work_dir.name}{stop_after}{options}".replace("/", "_")[:60]
    runner = build_runner(cfg, work_dir=work_dir, **options)
    return runner, losses_of(runner, stop_after)


def losses_of(runner, stop_after=None):
    """The losses of each iteration of a training, which can be stopped as one that is killed."""
    watch = Watch(stop_after)
    runner.register_hook(watch, "VERY_HIGH")
    if stop_after is None:
        runner.train()
    else:
        with pytest.raises(KeyboardInterrupt):
            runner.train()
    return watch.losses


def train_as_rank(rank, port, family, config, folder):
    """Train with each set of recipes, one after the other; for a process of its own."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": str(port), "CUDA_VISIBLE_DEVICES": "-1"}  # fmt: skip
    for number, names in enumerate(SETS[family]):
        runner, _ = train(config, names, folder / f"set{number}", launcher="pytorch")
        torch.save(runner.model.module.state_dict(), folder / f"set{number}_rank{rank}.pth")
