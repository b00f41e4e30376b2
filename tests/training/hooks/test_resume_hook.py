"""Resumed trainings: they draw as if they had not been interrupted, and say in what they are others."""

import pytest
import torch
from helpers.recipe_trainings import losses_of
from helpers.tiny_classifier import write_config as classifier_config
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.config import Config
from mmengine.hooks import EMAHook, Hook
from mmengine.model import ExponentialMovingAverage

from mmfan.apis import build_runner, load_config
from mmfan.training.hooks.resume_hook import ResumeHook, differences, plug_ins_of, set_states, states

DROPS = "model['decode_head']['dropout_ratio'] = 0.3\n"
BY_ITERATIONS = DROPS + "train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)\n"
BY_EPOCHS = (
    DROPS
    + """
train_cfg = dict(by_epoch=True, max_epochs=3, val_interval=1)
train_dataloader["sampler"] = dict(type="DefaultSampler", shuffle=True)
param_scheduler = None
default_hooks = dict(checkpoint=dict(type="CheckpointHook", by_epoch=True, interval=1))
"""
)


def trained(config, work_dir, stop_after=None, resume=False, options=None):
    cfg = load_config(config, options)
    cfg.experiment_name = f"{work_dir.name}{stop_after}"
    return losses_of(build_runner(cfg, work_dir=work_dir, resume=resume), stop_after)


@pytest.mark.slow
@pytest.mark.parametrize("more", [BY_ITERATIONS, BY_EPOCHS], ids=["iterations", "epochs"])
def test_what_is_resumed_drops_as_what_was_never_interrupted(tmp_path, more):
    """A validation lies between, which the resumed training does not repeat."""
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data"), more)
    whole = trained(config, tmp_path / "whole")
    half = 2 if "max_iters" in more else len(whole) // 3
    trained(config, tmp_path / "killed", stop_after=half)
    assert trained(config, tmp_path / "killed", resume=True) == whole[half:]


@pytest.mark.slow
def test_classifiers_mix_as_if_they_had_not_been_interrupted(tmp_path):
    """And alike where the pictures are loaded by the process that trains, and by another one."""
    more = "model['mixing'] = dict(mixup=0.8, cutmix=1.0)\nrandomness = dict(seed=3)\n"
    config = classifier_config(tmp_path, more=more)
    whole = trained(config, tmp_path / "whole")
    trained(config, tmp_path / "killed", stop_after=2)
    assert trained(config, tmp_path / "killed", resume=True) == whole[2:]
    worker = {"train_dataloader.num_workers": 1, "train_dataloader.persistent_workers": True}
    assert trained(config, tmp_path / "worker", options=worker) == whole


def test_states_are_those_of_the_draws():
    before = states()
    first = torch.rand(3)
    set_states(before)
    assert torch.equal(torch.rand(3), first)


@pytest.mark.slow
def test_another_training_is_said_to_be_one(tmp_path):
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data"), BY_ITERATIONS)
    trained(config, tmp_path / "run", stop_after=2)
    hooks = "custom_hooks = [dict(type='mmfan.FeatureAugmentHook', eps=1)]\n"
    other = write_config(tmp_path / "other.py", tmp_path / "data", BY_ITERATIONS + hooks)
    trained(other, tmp_path / "run", resume=True)
    logged = "".join(path.read_text() for path in (tmp_path / "run").rglob("*.log"))
    assert "another training than the one that wrote the checkpoint: with mmfan.FeatureAugmentHook. Give" in logged


def test_nothing_is_noted_of_weights_that_a_training_only_starts_from():
    class Run:
        resuming = False

    hook = ResumeHook()
    hook.after_load_checkpoint(Run(), {"meta": {"generators": states()}})
    before = torch.get_rng_state()
    hook.before_train_iter(Run(), 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(hook, Hook)


def test_plug_ins_are_hooks_wrapper_and_steps_of_all_pipelines():
    cfg = Config({
        "model": {"type": "mmfan.ConsistencyWrapper", "of": "EncoderDecoder", "backbone": {"type": "ResNet"}},
        "custom_hooks": [{"type": "EMAHook", "momentum": 0.1}],
        "train_dataloader": {"dataset": {"type": "ConcatDataset", "datasets": [
            {"pipeline": [{"type": "RandomFlip", "prob": 0.5}]}, {"dataset": {"pipeline": [{"type": "RandomFlip"}]}},
        ]}},
    })  # fmt: skip
    assert plug_ins_of(cfg) == {
        "EMAHook": '{"momentum": 0.1, "type": "EMAHook"}',
        "RandomFlip": '{"prob": 0.5, "type": "RandomFlip"}{"type": "RandomFlip"}',
        "mmfan.ConsistencyWrapper": '{"of": "EncoderDecoder", "type": "mmfan.ConsistencyWrapper"}',
    }
    assert plug_ins_of(Config({})) == {}


def test_plug_ins_that_are_classes_are_those_of_the_config_that_was_written(tmp_path):
    cfg = Config({"custom_hooks": [{"type": EMAHook, "ema_type": ExponentialMovingAverage}]})
    assert differences(plug_ins_of(cfg), plug_ins_of(cfg)) == ""
    assert list(plug_ins_of(cfg)) == ["mmengine.hooks.ema_hook.EMAHook"]
    assert 'ema_type": "mmengine.model.averaged_model.Exp' in plug_ins_of(cfg)["mmengine.hooks.ema_hook.EMAHook"]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (None, ""),  # of an earlier version
        ({"A": "{}"}, ""),
        ({}, "with A"),
        ({"A": "{1}"}, "with other settings of A"),
        ({"B": "", "C": ""}, "without B and C, with A"),
    ],
)
def test_differences(before, told):
    assert differences(before, {"A": "{}"}) == told
