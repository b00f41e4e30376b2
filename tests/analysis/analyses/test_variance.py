"""Variance of feature maps, by hand."""

import pytest
import torch

from mmfan.analysis.analyses.variance import map_variance

pytestmark = pytest.mark.slow


def test_by_hand_and_scaling() -> None:
    features = torch.tensor([[[[1.0, 3.0]], [[0.0, 4.0]]]])  # two channels of two places
    variance, relative = map_variance(features)
    assert variance == pytest.approx((2 + 8) / 2)  # unbiased
    assert relative == pytest.approx(5 / ((1 + 9 + 0 + 16) / 4))
    scaled = map_variance(3 * features)
    assert scaled == pytest.approx((9 * variance, relative))


def test_a_constant_has_none_and_one_place_neither() -> None:
    assert map_variance(torch.full((2, 3, 4, 4), 7.0)) == (0.0, 0.0)
    assert map_variance(torch.zeros(2, 3, 4, 4)) == (0.0, 0.0)
    assert map_variance(torch.rand(2, 3, 1, 1)) == (0.0, 0.0)


def test_it_is_over_space_not_over_pictures() -> None:
    features = torch.rand(5, 1, 1, 1).expand(5, 2, 3, 3) + torch.rand(1, 2, 3, 3)
    assert map_variance(features)[0] == pytest.approx(map_variance(features[:1])[0])
