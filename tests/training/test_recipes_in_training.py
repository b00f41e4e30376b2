"""Recipes in training: each trains in a segmentor and a detector, resumed, in mixed precision and in two processes."""

import socket

import pytest
import torch
from helpers.recipe_trainings import EVERY_SET, LENGTH, SETS, train, train_as_rank, write
from helpers.tiny_robustness import quick_processes
from mmengine.hooks import Hook

from mmfan.apis import build_runner, load_config
from mmfan.training.recipes import RECIPES, apply_recipes

OF_A_PROCESS = ("running_mean", "running_var", "num_batches_tracked")


def test_every_recipe_is_trained_here():
    for family, sets in SETS.items():
        left_out = {"paint", "textures"} if family == "detector" else {"oamix"}
        assert {name for names in sets for name in names} == set(RECIPES) - left_out


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A whole training of a set of recipes, done once: its folder, config, Runner and losses."""
    done = {}

    def train_whole(family, number):
        if (family, number) not in done:
            folder = tmp_path_factory.mktemp(f"{family}{number}")
            config = write(folder, family, LENGTH)
            done[family, number] = (folder, config, *train(config, SETS[family][number], folder / "whole"))
        return done[family, number]

    return train_whole


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize(("family", "number"), EVERY_SET)
def test_they_train_and_a_killed_training_continues_exactly(whole, family, number):
    """Killed in its third iteration and resumed, a run has the same losses.

    Plug-ins draw by picture, pass and iteration; by torch's generator, which is kept, a head drops units and a detector
    picks the regions it learns from.
    """
    if family == "detector":
        pytest.importorskip("mmdet")
    names = SETS[family][number]
    folder, config, undisturbed, losses = whole(family, number)
    assert len(losses) == 4
    assert all(torch.tensor(list(one.values())).isfinite().all() for one in losses)
    told = set().union(*losses)
    assert any("consistency" in name or "teacher" in name for name in told)
    train(config, names, folder / "killed", stop_after=2)
    rest, continued = train(config, names, folder / "killed", resume=True)
    assert continued == losses[2:]
    state, other = undisturbed.model.state_dict(), rest.model.state_dict()
    assert all(torch.equal(state[name], other[name]) for name in state)


@pytest.mark.slow
@pytest.mark.process
def test_the_number_of_loading_processes_does_not_matter(whole):
    folder, config, _, alone = whole("segmentor", 0)
    _, two = train(config, SETS["segmentor"][0], folder / "two", workers=2)
    assert alone == two


@pytest.mark.slow
@pytest.mark.parametrize(("family", "number"), EVERY_SET)
def test_in_mixed_precision(whole, family, number):
    if family == "detector":
        pytest.importorskip("mmdet")
    folder, config, _, plain = whole(family, number)
    runner, mixed = train(config, SETS[family][number], folder / "amp", amp=True)
    assert type(runner.optim_wrapper).__name__.endswith("AmpOptimWrapper")
    for one, other in zip(plain, mixed, strict=True):
        assert set(one) == set(other)
        assert other["loss"] == pytest.approx(one["loss"], rel=0.1)
        assert other != one


class Weights(Hook):
    """Notes the values of one weight after each iteration."""

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen.append(runner.model.decode_head.fuse_norm.weight.detach().clone())


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["ema", "swa"])
def test_a_mean_of_the_weights_is_what_is_saved(tmp_path, recipe):
    """By hand. EMA takes the first weights over, then ``mean + 0.05 (weights - mean)``; SWA begins at the third."""
    cfg = load_config(write(tmp_path, "segmentor", LENGTH))
    apply_recipes(cfg, [recipe])
    cfg.train_cfg.val_interval = 100
    cfg.experiment_name = recipe
    cfg.param_scheduler = None  # else the last step is of length 0
    runner = build_runner(cfg, work_dir=tmp_path / "run")
    weights = Weights()
    runner.register_hook(weights, "VERY_HIGH")
    runner.train()
    mean = weights.seen[0]
    for seen in weights.seen[1:]:
        mean = mean + 0.05 * (seen - mean)
    if recipe == "swa":
        mean = (weights.seen[2] + weights.seen[3]) / 2
    saved = torch.load(tmp_path / "run" / "iter_4.pth", weights_only=False)["state_dict"]
    torch.testing.assert_close(saved["decode_head.fuse_norm.weight"], mean, rtol=1e-7, atol=1e-7)
    assert (mean - weights.seen[-1]).abs().max() > 1e-5


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("family", SETS)
def test_two_processes_keep_one_model(tmp_path, family):
    if family == "detector":
        pytest.importorskip("mmdet")
    config = write(tmp_path, family, "train_cfg['max_iters'] = 2\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = quick_processes()
    ranks = [context.Process(target=train_as_rank, args=(rank, port, family, config, tmp_path)) for rank in (0, 1)]
    for one in ranks:
        one.start()
    for one in ranks:
        one.join(300)
    assert [one.exitcode for one in ranks] == [0, 0]
    for number in range(len(SETS[family])):
        first, second = (torch.load(tmp_path / f"set{number}_rank{rank}.pth") for rank in (0, 1))
        # statistics of batch norms are each process' own on CPUs, and their counts of batches are no weights
        learnt = [name for name in first if not name.startswith("teacher.") and not name.endswith(OF_A_PROCESS)]
        assert learnt
        assert all(torch.equal(first[name], second[name]) for name in learnt)
