"""Mixup and CutMix on pictures that are counted by hand."""

import numpy as np
import pytest
import torch

from mmfan.errors import MMFanError
from mmfan.training.classification.mixing import Mix, Mixing, cut_box


def plain(count=3, side=4):
    """Picture n is n everywhere."""
    return torch.arange(count, dtype=torch.float32)[:, None, None, None].expand(count, 1, side, side)


def test_mixup_blends_whole_pictures_and_labels():
    mix = Mix(torch.tensor([1, 2, 0]), 0.75)
    assert mix.pictures(plain())[:, 0, 0, 0].tolist() == [0.25, 1.25, 1.5]
    assert mix.labels(torch.eye(3)).tolist() == [[0.75, 0.25, 0], [0, 0.75, 0.25], [0.25, 0, 0.75]]


def test_cutmix_puts_a_box_of_the_other():
    mixed = Mix(torch.tensor([2, 1, 0]), 0.5, (0, 2, 1, 4)).pictures(plain())
    assert mixed[0, 0].tolist() == [[0, 2, 2, 2], [0, 2, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert bool((mixed[1] == 1).all())


def test_a_box_is_clipped_to_the_picture():
    assert cut_box(100, 100, 0.75, 0, 99) == (0, 25, 74, 100)
    assert cut_box(10, 10, 1.0, 5, 5) == (5, 5, 5, 5)


def test_the_label_follows_the_area_that_is_left():
    torch.manual_seed(0)
    mixing = Mixing(mixup=0, cutmix=1.0)
    for _ in range(20):
        mix = mixing.draw(2, 8, 8)
        pictures = mix.pictures(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 1, 8, 8))
        if mix.order[0] == 1:
            assert mix.share == pytest.approx(1 - pictures[0].mean().item())


def test_how_often_each_is_drawn():
    torch.manual_seed(1)
    drawn = [Mixing(0.8, 1.0, prob=0.5, switch=0.25).draw(4, 8, 8) for _ in range(2000)]
    mixed = [mix for mix in drawn if mix is not None]
    assert len(mixed) == pytest.approx(1000, abs=100)
    assert sum(mix.box is not None for mix in mixed) == pytest.approx(250, abs=60)
    assert sorted(mixed[0].order.tolist()) == [0, 1, 2, 3]


def test_shares_are_of_beta():
    """Beta(0.8, 0.8) has the variance 1 / (4 (2 * 0.8 + 1))."""
    torch.manual_seed(2)
    shares = [Mixing(0.8, 0).draw(2, 4, 4).share for _ in range(4000)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.02)
    assert np.var(shares) == pytest.approx(1 / 10.4, rel=0.1)


def test_draws_are_those_of_torchs_generator():
    """Steps of the pipeline seed NumPy's, in the process that trains too where there is no other."""
    drawn = []
    for numpy_seed in (0, 1):
        torch.manual_seed(3)
        np.random.seed(numpy_seed)
        drawn.append([Mixing().draw(4, 8, 8) for _ in range(2)])
    for one, other in zip(*drawn, strict=True):
        assert (one.share, one.box, one.order.tolist()) == (other.share, other.box, other.order.tolist())
    assert drawn[0][0].share != drawn[0][1].share


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "wrong",
    [
        {"mixup": -1}, {"prob": 1.5}, {"mixup": 0, "cutmix": 0}, {"switch": "a"}, {"mixup": NAN}, {"mixup": INF},
        {"mixup": True}, {"cutmix": NAN}, {"prob": NAN}, {"switch": True},
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(MMFanError):
        Mixing(**wrong)


def test_settings_of_a_model():
    mixing = Mixing.of({"mixup": 0, "prob": 0.5})
    assert (mixing.mixup, mixing.cutmix, mixing.prob, mixing.switch) == (0, 1, 0.5, 0.5)
    with pytest.raises(MMFanError, match="`mixing` to be a dict of mixup, cutmix, prob, switch, or None, got 5"):
        Mixing.of(5)
    with pytest.raises(MMFanError, match=r"`mixing` takes no 'mixp'\. Did you mean 'mixup'\? It takes mixup, cutmix"):
        Mixing.of({"mixp": 1})
