"""From any config to one that judges."""

import pytest
from mmengine.config import Config

from mmfan.apis import ConfigError
from mmfan.apis.robustness import judged_config

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
