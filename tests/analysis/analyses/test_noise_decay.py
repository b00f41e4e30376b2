"""Norm ratios by hand."""

import pytest
import torch

from mmfan.analysis.analyses.noise_decay import norm_ratio

pytestmark = pytest.mark.slow


def test_by_hand() -> None:
    clean = torch.tensor([[3.0, 4.0]])
    assert norm_ratio(clean, clean) == 0
    assert norm_ratio(clean, torch.tensor([[3.0, 3.0]])) == pytest.approx(0.2)
    assert norm_ratio(10 * clean, torch.tensor([[30.0, 30.0]])) == pytest.approx(0.2)
    assert norm_ratio(torch.zeros(2), torch.zeros(2)) == 0
    assert norm_ratio(torch.zeros(2), torch.ones(2)) == float("inf")
