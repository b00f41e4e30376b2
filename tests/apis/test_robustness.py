"""From any config to one that judges."""

import pytest
from mmengine.config import Config

from mmfan.apis import ConfigError, load_config, robustness
from mmfan.apis.outputs.hooks import check_one_prediction
from mmfan.apis.robustness import costs_of, judged_config
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions import ConditionCell, make_condition

PARTS = {
    "model": {"type": "A"},
    "test_dataloader": {"num_workers": 4, "dataset": {"type": "B"}},
    "test_evaluator": {"type": "IoUMetric"},
    "default_hooks": {"logger": {"type": "LoggerHook", "interval": 10}},
}


def test_an_ordinary_config_gets_the_loop():
    cfg = Config({**PARTS, "test_cfg": {"type": "TestLoop", "fp16": True}})
    found = judged_config(cfg, workers=2, limit=5, seed=None)
    assert found.test_cfg == {"type": "mmfan.RobustnessLoop", "protocol": "kamann16", "limit": 5, "fp16": True}
    assert found.test_dataloader.num_workers == 2
    assert found.test_evaluator == {"type": "IoUMetric"}
    assert cfg.test_cfg.type == "TestLoop"
    assert cfg.test_dataloader.num_workers == 4


def test_a_loop_of_the_config_keeps_its_arguments():
    own = {"type": "mmfan.RobustnessLoop", "protocol": {"corruptions": ["fog"]}, "seed": 7, "limit": 3}
    found = judged_config(Config({**PARTS, "test_cfg": own}), limit=9, protocol={"corruptions": ["snow"]})
    assert found.test_cfg == {**own, "limit": 9, "fp16": False, "protocol": {"corruptions": ["snow"]}}
    disk = {**own, "source": "disk", "corrupted_root": "c"}
    assert "corrupted_root" not in judged_config(Config({**PARTS, "test_cfg": disk}), source="fly").test_cfg


def test_a_loop_of_a_config_in_pure_python_keeps_its_arguments(tmp_path):
    config = tmp_path / "lazy.py"
    config.write_text("""
from mmengine.config import read_base

from mmfan.evaluation.loop.robustness_loop import RobustnessLoop

default_scope = None
model = dict(type="A")
test_dataloader = dict(dataset=dict(type="B"))
test_evaluator = dict(type="IoUMetric")
test_cfg = dict(type=RobustnessLoop, protocol="common15", limit=50, seed=7, precision="fp32")
""")
    cfg = load_config(config)
    assert judged_config(cfg, limit=9).test_cfg == {
        "type": "mmfan.RobustnessLoop", "protocol": "common15", "limit": 9, "seed": 7, "fp16": False,
        "precision": "fp32",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="one prediction a picture, and this config's RobustnessLoop"):
        check_one_prediction(cfg)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_evaluator": None}, "has no test_evaluator"),
        ({"model": None, "test_dataloader": None}, "has no model, test_dataloader"),
        ({"test_dataloader": [{}, {}]}, "several test_dataloaders"),
    ],
)
def test_configs_that_cannot_be_judged_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        judged_config(Config({**PARTS, **change}))


def test_batches_and_compiling_are_set_where_they_are_read():
    found = judged_config(Config(PARTS), batch_size=8, compiled=True, precision="fp32", windows=None)
    assert found.test_dataloader.batch_size == 8
    assert found.compile is True
    assert found.test_cfg == {
        "type": "mmfan.RobustnessLoop",
        "protocol": "kamann16",
        "fp16": False,
        "precision": "fp32",
    }
    own = {"mode": "max-autotune"}
    assert judged_config(Config({**PARTS, "compile": own}), compiled=True).compile == own
    assert "compile" not in judged_config(Config(PARTS))


def test_a_gpu_gets_loading_processes_by_the_cores(monkeypatch):
    found = {}
    monkeypatch.setattr(robustness, "has_accelerator", lambda: True)
    for cores in (1, 2, 12, 64):
        monkeypatch.setattr(robustness, "default_workers", lambda environment, left, cores=cores: max(1, cores - left))
        found[cores] = judged_config(Config(PARTS), fill_cores=True).test_dataloader.num_workers
    assert found == {1: 4, 2: 4, 12: 11, 64: 16}  # the config has 4
    assert judged_config(Config(PARTS), workers=3, fill_cores=True).test_dataloader.num_workers == 3
    assert judged_config(Config(PARTS)).test_dataloader.num_workers == 4  # what a user says stands
    monkeypatch.setattr(robustness, "has_accelerator", lambda: False)
    assert judged_config(Config(PARTS), fill_cores=True).test_dataloader.num_workers == 4


def test_what_conditions_cost_is_told_once_for_all_severities():
    memo, tent = make_condition("adaptation", "memo", copies=2), make_condition("adaptation", "tent")
    pgd = [ConditionCell(CLEAN, make_condition("attack", "pgd", eps, steps=3)) for eps in (1, 2)]
    adapted = [ConditionCell(Cell("fog", at), one) for one in (memo, tent) for at in (1, 2)]
    assert costs_of([CLEAN, *adapted, *pgd], 5) == [
        "  each cell with memo: 5 forward and 2 backward passes a picture, 5 pictures",
        "  pgd 1: 4 forward and 3 backward passes a picture, 5 pictures",
        "  pgd 2: 4 forward and 3 backward passes a picture, 5 pictures",
    ]
