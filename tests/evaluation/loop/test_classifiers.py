"""Attacks and adaptation on a classifier in the loop."""

import json

import pytest
import torch
from helpers.tiny_classifier import write_config

from mmfan.apis import build_runner, load_config
from mmfan.apis.robustness import judged_config
from mmfan.evaluation.conditions.adaptation.entropy import entropies, logs_of_shares
from mmfan.evaluation.judging.asked_attack import asked_attacks
from mmfan.evaluation.protocol import get_protocol

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A classifier that tells bright, grey and dark."""
    folder = tmp_path_factory.mktemp("classifier")
    more = "param_scheduler = []\ntrain_cfg = dict(type='IterBasedTrainLoop', max_iters=40, val_interval=40)\n"
    more += "default_hooks = dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=40))\n"
    config = write_config(folder, 4, more)
    build_runner(load_config(config), work_dir=folder / "run").train()
    return config, folder / "run" / "iter_40.pth"


def records_of(trained, tmp_path, options=None, **loop):
    config, file = trained
    cfg = judged_config(load_config(config, options), results=str(tmp_path / "r.jsonl"), **loop)
    build_runner(cfg, work_dir=tmp_path, checkpoint=file).test()
    return [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]


def test_probabilities_as_logits():
    shares = torch.tensor([0.5, 0.25, 0.25])
    torch.testing.assert_close(logs_of_shares(shares).softmax(0).flatten(), shares)
    entropy = -(shares * shares.log()).sum()
    torch.testing.assert_close(entropies(logs_of_shares(shares)).sum(), entropy)


def test_an_attack_takes_the_class_from_the_picture(trained, tmp_path):
    found = records_of(trained, tmp_path, protocol=asked_attacks(["fgsm", "pgd"], (0.5, 32), {"steps": 3}))
    scores = {
        (one["condition"]["name"], one["condition"]["strength"]) if one.get("condition") else "clean": one["metrics"]
        for one in found
    }
    assert scores["clean"]["top1"] >= 0.75  # to which eight iterations bring it, by the release of torch
    assert scores["fgsm", 0.5] == scores["clean"]  # nothing whole is nearer than 1/255
    assert scores["pgd", 32]["top1"] < scores["clean"]["top1"]


@pytest.mark.parametrize("name", ["bn", "tent", "cotta", "memo"])
def test_adaptation(trained, tmp_path, name):
    protocol = get_protocol({"corruptions": ["contrast"], "severities": [5]})
    plain = records_of(trained, tmp_path / "plain", protocol=protocol)
    by_one = {"test_dataloader.batch_size": 1} if name == "memo" else None
    found = records_of(trained, tmp_path / "adapted", by_one, protocol=protocol, adapt=name)
    # the pictures as they are, then the model adapted to these and to the corrupted ones
    assert [one.get("condition") is None for one in found] == [True, False, False]
    assert found[0]["metrics"] == plain[0]["metrics"]
