"""Directions in the space of weights: scaled by filters, and weights that come back exactly."""

import pytest
import torch
from torch import nn

from mmfan.analysis.numerics.directions import moved, penalty, random_direction


def weights():
    torch.manual_seed(0)
    return {
        "conv.weight": torch.randn(4, 3, 2, 2), "conv.bias": torch.randn(4), "fc.weight": torch.randn(5, 6),
        "pos_embed": torch.randn(1, 7, 4), "attn.relative_position_bias_table": torch.randn(9, 2),
    }  # fmt: skip


def draw(normalise="filter", seed=0):
    return random_direction(weights(), torch.Generator().manual_seed(seed), normalise)


def test_each_filter_has_the_norm_of_its_weights():
    direction = draw()
    torch.testing.assert_close(
        direction["conv.weight"].flatten(1).norm(dim=1), weights()["conv.weight"].flatten(1).norm(dim=1)
    )
    torch.testing.assert_close(direction["fc.weight"].norm(dim=1), weights()["fc.weight"].norm(dim=1))


def test_as_published_norms_run_along_the_first_axis():
    torch.testing.assert_close(draw("repo")["fc.weight"].norm(dim=0), weights()["fc.weight"].norm(dim=0))


def test_vectors_and_positions_stay():
    direction = draw()
    for name in ("conv.bias", "pos_embed", "attn.relative_position_bias_table"):
        assert not direction[name].any()


def test_the_seed_decides():
    assert torch.equal(draw(seed=3)["fc.weight"], draw(seed=3)["fc.weight"])
    assert not torch.equal(draw(seed=3)["fc.weight"], draw(seed=4)["fc.weight"])
    with pytest.raises(ValueError, match="filter, repo, none, got 'layer'"):
        draw("layer")


def test_weights_come_back_exactly():
    parameters = {name: nn.Parameter(value) for name, value in weights().items()}
    before = {name: value.detach().clone() for name, value in parameters.items()}
    one, two = draw(seed=0), draw(seed=1)
    with moved(parameters, [one, two], (0.3, -2.0)):
        torch.testing.assert_close(
            parameters["fc.weight"].detach(), before["fc.weight"] + 0.3 * one["fc.weight"] - 2 * two["fc.weight"]
        )
    assert all(torch.equal(parameters[name], before[name]) for name in before)
    with pytest.raises(RuntimeError, match="stop"), moved(parameters, [one, two], (0.3, -2.0)):
        raise RuntimeError("stop")
    assert all(torch.equal(parameters[name], before[name]) for name in before)


def test_penalty():
    found = penalty({"a": torch.tensor([3.0, 4.0]), "b": torch.ones(10)}, {"a": 0.1, "b": 0.0})
    assert found == pytest.approx(0.5 * 0.1 * 25)
