"""Correlation of features: closed forms, constants, and which positions are hidden."""

import numpy as np
import pytest
import torch

from mmfan.analysis.analyses.correlation import pearson, share_hidden

pytestmark = pytest.mark.slow


def features(seed=0, shape=(2, 8, 3, 5)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_identical_and_opposite():
    one = features()
    torch.testing.assert_close(pearson(one, one), torch.ones(2, 3, 5, dtype=torch.float64))
    torch.testing.assert_close(pearson(one, 7 - 3 * one), -torch.ones(2, 3, 5, dtype=torch.float64))


def test_agrees_with_numpy():
    one, other = features(), features(1)
    found = pearson(one, other)
    assert found[1, 2, 3] == pytest.approx(np.corrcoef(one[1, :, 2, 3], other[1, :, 2, 3])[0, 1], abs=1e-6)


def test_constants_give_zero_and_not_nan():
    one = features()
    assert (pearson(one, torch.full_like(one, 3.7)) == 0).all()
    assert (pearson(torch.zeros_like(one), torch.zeros_like(one)) == 0).all()


def test_invariant_to_scale_and_shift_of_all_channels():
    one, other = features(), features(1)
    torch.testing.assert_close(pearson(one, other), pearson(5 * one + 2, 0.1 * other - 1), atol=1e-5, rtol=1e-5)


def test_share_of_hidden_pixels():
    hidden = np.zeros((32, 48), bool)
    hidden[:16, :16] = True
    hidden[16:24, 16:32] = True
    share = share_hidden(hidden, (2, 4), (32, 64))
    assert share.tolist() == [[1, 0, 0, 0], [0, 0.5, 0, 0]]
