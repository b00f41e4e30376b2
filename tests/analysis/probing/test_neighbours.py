"""Votes of nearest neighbours, by hand."""

import math

import numpy as np
import pytest
import torch

from mmfan.analysis import AnalysisError
from mmfan.analysis.probing.neighbours import Neighbours


def test_votes_by_hand():
    known = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    probe = Neighbours(known, np.array([7, 2, 7]), count=2, temperature=0.5)
    votes = probe.votes(torch.tensor([[5.0, 5.0], [0.0, 1.0]]))
    # the first lies at 45 degrees between the first two; the second has the cosines 1 and 0
    near = math.exp(1 / 0.5) / (math.exp(1 / 0.5) + 1)
    torch.testing.assert_close(votes, torch.tensor([[0.5, 0.5], [near, 1 - near]]))
    assert probe.classes.tolist() == [2, 7]
    assert probe.predict(torch.tensor([[0.1, 1.0], [1.0, -0.1]])).tolist() == [2, 7]


def test_one_neighbour_finds_each_sample_itself_at_any_scale():
    rng = torch.Generator().manual_seed(0)
    known, labels = torch.randn(50, 8, generator=rng), np.arange(50) % 5
    assert Neighbours(known, labels, count=1).predict(9 * known).tolist() == labels.tolist()
    # more neighbours than samples: all of them vote
    assert Neighbours(known[:3], labels[:3], count=20).votes(known).shape == (50, 3)


def test_no_samples():
    with pytest.raises(AnalysisError, match="at least one sample"):
        Neighbours(torch.zeros(0, 2), np.zeros(0, int))
