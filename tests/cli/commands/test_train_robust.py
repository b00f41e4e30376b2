"""`mmfan train --robust`: a folder of its own, a word on each change, and the plain config takes the weights."""

import pytest
import torch
from helpers.tiny_robustness import make_runner
from helpers.tiny_segmentor import run_tool, write_config, write_tree

from mmfan.evaluation.results.store import ResultsStore


@pytest.mark.slow
@pytest.mark.process
def test_trained_by_recipes_and_judged_by_the_plain_config(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    data = write_tree(tmp_path / "data", train=4, val=1)
    config = write_config(tmp_path / "tiny.py", data, "train_cfg = dict(max_iters=2, val_interval=100)\n")
    assert run_tool(monkeypatch, "train.py", config, "--robust", "cwfa", "augmix") == 0
    out, err = capfd.readouterr()
    folder = tmp_path / "work_dirs" / "tiny-cwfa-augmix"
    assert "--robust cwfa: features pushed along their mean" in err
    assert "--robust augmix: AugMix copies" in err
    assert "corruptions of the tests that the training shows: contrast (by the recipes: contrast)" in err
    assert "judge" in out
    assert "--name tiny-cwfa-augmix" in out
    checkpoint = folder / "iter_2.pth"
    assert torch.load(checkpoint, weights_only=False)["meta"]["training_overlap"]["by_step"] == {"Views": ["contrast"]}

    # the wrapped config judges as the plain one does
    wrapped = write_config(
        tmp_path / "wrapped.py", data, "model.update(type='mmfan.ConsistencyWrapper', of='EncoderDecoder')\n"
    )
    scores = []
    for name in (config, wrapped):
        results = tmp_path / f"{name.stem}.jsonl"
        runner = make_runner(name, checkpoint, tmp_path / name.stem, results=str(results))
        runner.test()
        scores.append([(one["corruption"], one["severity"], one["metrics"]) for one in ResultsStore(results).records()])
    assert scores[0] == scores[1]
    assert len(scores[0]) == 5


@pytest.mark.slow
def test_a_wrong_recipe_lists_all(tmp_path, monkeypatch, capfd):
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data", train=2, val=1))
    assert run_tool(monkeypatch, "train.py", config, "--robust", "augmx") == 2
    assert "There is no recipe 'augmx'. Did you mean 'augmix'? There are: cwfa, cwfa-light," in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("randomness.seed=abc", "`randomness.seed` to be a whole number of at least 0, got 'abc'"),
        ("randomness.seed=-3", "`randomness.seed` to be a whole number of at least 0, got -3"),
        ("randomness=5", "`randomness` to be a dict, as dict(seed=0), got 5"),
        ("custom_hooks=5", "`custom_hooks` to be a list of configs, [dict(type='EMAHook')], got 5"),
        ("model.type=EncoderDecodr", "no model 'EncoderDecodr' in mmseg. Did you mean 'EncoderDecoder'?"),
    ],
)
@pytest.mark.parametrize("robust", [("--robust", "augmix"), ()])
def test_mistakes_in_options_end_in_a_line(tmp_path, monkeypatch, capfd, option, message, robust):
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data", train=2, val=1))
    assert run_tool(monkeypatch, "train.py", config, *robust, "--cfg-options", option) == 2
    assert message in capfd.readouterr().err


@pytest.mark.slow
def test_a_plain_training_draws_by_its_seed(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    more = """
train_cfg = dict(max_iters=1, val_interval=100)
train_pipeline.insert(0, dict(type="mmfan.SeedByPicture", seed=0))
train_dataloader["sampler"] = dict(_delete_=True, type="mmfan.PassSampler", sampler=dict(type="InfiniteSampler"))
"""
    config = write_config(tmp_path / "tiny.py", write_tree(tmp_path / "data", train=2, val=1), more)
    assert run_tool(monkeypatch, "train.py", config, "--cfg-options", "randomness.seed=5") == 0
    assert "randomness.seed, 5, is the seed of mmfan.SeedByPicture too" in capfd.readouterr().err
