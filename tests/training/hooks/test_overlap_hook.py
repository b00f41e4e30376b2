"""What a training shows: in its checkpoints, in the records of their judging, and carried on by a later training."""

import logging
from types import SimpleNamespace

import pytest
import torch
from helpers.tiny_segmentor import write_config, write_tree
from mmengine.hooks import Hook

from mmfan.apis import build_runner, load_config
from mmfan.apis.robustness import judged_config
from mmfan.datasets.augmentations.overlaps import Overlap, joined, overlap_from
from mmfan.evaluation.results.store import ResultsStore
from mmfan.registry import HOOKS
from mmfan.training.hooks.overlap_hook import OverlapHook, describe

MORE = """
custom_imports = None
train_pipeline = [*train_pipeline[:-1], dict(type="PhotoMetricDistortion"), *{steps}, train_pipeline[-1]]
train_dataloader["dataset"]["pipeline"] = train_pipeline
train_cfg["max_iters"] = 2
custom_hooks = [dict(type="SnowForTest")]
"""


class Snow(Hook):
    overlaps = frozenset({"snow"})


@pytest.mark.slow
def test_in_checkpoints_and_records(tmp_path):
    HOOKS.register_module(name="SnowForTest", module=Snow, force=True)
    data = write_tree(tmp_path / "data")
    fog = [{"type": "mmfan.Corrupt", "corruption": "fog", "severity": 1, "seed": None}]
    config = write_config(tmp_path / "fog.py", data, MORE.format(steps=fog).replace("SnowForTest", "mmfan.SnowForTest"))
    build_runner(load_config(config), work_dir=tmp_path / "w").train()
    checkpoint = tmp_path / "w" / "iter_2.pth"
    meta = torch.load(checkpoint, weights_only=False)["meta"]["training_overlap"]
    assert meta == {
        "overlaps": ["snow", "fog", "brightness", "contrast", "saturate"],
        "added": ["snow", "fog"],
        "by_step": {"PhotoMetricDistortion": ["brightness", "contrast", "saturate"], "Corrupt": ["fog"],
                    "Snow": ["snow"]},
        "unknown": [],
    }  # fmt: skip

    # a training that starts from these weights has shown it too
    second = write_config(tmp_path / "second.py", data, "train_cfg['max_iters'] = 2\n")
    build_runner(load_config(second, {"load_from": str(checkpoint)}), work_dir=tmp_path / "w2").train()
    later = torch.load(tmp_path / "w2" / "iter_2.pth", weights_only=False)["meta"]["training_overlap"]
    assert later["overlaps"] == meta["overlaps"]

    # and one whose model begins with them
    begin = {"model.init_cfg.type": "Pretrained", "model.init_cfg.checkpoint": str(checkpoint)}
    build_runner(load_config(second, begin), work_dir=tmp_path / "w4").train()
    begun = torch.load(tmp_path / "w4" / "iter_2.pth", weights_only=False)["meta"]["training_overlap"]
    assert begun["overlaps"] == meta["overlaps"]

    results = tmp_path / "results.jsonl"
    protocol = {"corruptions": ["fog"], "severities": [1]}
    cfg = judged_config(load_config(config), workers=0, protocol=protocol, results=str(results))
    build_runner(cfg, work_dir=tmp_path / "w3", checkpoint=checkpoint).test()
    told = [record["training_overlap"] for record in ResultsStore(results).records()]
    assert told == [{key: meta[key] for key in ("overlaps", "added", "unknown")}] * 2


def test_a_pipeline_that_a_hook_switches_to_counts():
    """As mmdetection's PipelineSwitchHook does for the last epochs."""
    later = SimpleNamespace(switch_pipeline=[{"type": "CLAHE"}])
    loader = SimpleNamespace(dataset=SimpleNamespace(pipeline=[{"type": "RGB2Gray"}]))
    run = SimpleNamespace(
        hooks=[later, OverlapHook()], train_loop=SimpleNamespace(dataloader=loader), logger=logging.getLogger("run")
    )
    OverlapHook().before_train(run)
    assert run.training_overlap["by_step"] == {"RGB2Gray": ["saturate"], "CLAHE": ["contrast"]}


def test_meta_that_cannot_be_read_says_nothing():
    assert overlap_from(None) is None
    assert overlap_from({"training_overlap": {"overlaps": "fog"}}) is None
    assert overlap_from({"training_overlap": {"overlaps": ["fog"], "by_step": {"a": [1]}}}) is None
    assert overlap_from({"training_overlap": {"overlaps": ["fog"]}}) == Overlap(("fog",), {})


def test_two_trainings_together():
    first = Overlap(("fog",), {"Corrupt": ("fog",)}, ("Odd",))
    second = Overlap(("snow", "contrast"), {"Corrupt": ("snow",), "CLAHE": ("contrast",)}, ("Odd", "Other"))
    assert joined(first, second) == Overlap(
        ("snow", "fog", "contrast"), {"Corrupt": ("snow", "fog"), "CLAHE": ("contrast",)}, ("Odd", "Other")
    )
    assert describe(first) == (
        "The training shows corruptions of the tests (Corrupt: fog), beyond FAN's own recipe fog; nobody has said what "
        "these show: Odd."
    )
    assert describe(Overlap(("fog", "sonw", "texture_swap"), {"Drizzle": ("fog", "sonw")})) == (
        "The training shows corruptions of the tests (Drizzle: fog, sonw), beyond FAN's own recipe fog, sonw, "
        "texture_swap. No corruption of mmfan's is called 'sonw'. Did you mean 'snow'?"
    )
