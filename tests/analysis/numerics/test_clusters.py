"""k-means on clusters that are known, and colours that stay."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmfan.analysis.analyses.grouping import group_tokens
from mmfan.analysis.numerics.clusters import kmeans, matched


def test_clouds_are_found_the_largest_first() -> None:
    generator = np.random.default_rng(0)
    centres = np.array([[0.0, 0], [10, 0], [0, 10]])
    truth = np.repeat([0, 1, 2], (50, 30, 20))
    vectors = centres[truth] + generator.normal(0, 0.1, (100, 2))
    labels, loss = kmeans(vectors, 3, np.random.default_rng(1))
    assert (labels == truth).all()
    assert loss == pytest.approx(2 * 0.1**2, rel=0.3)
    again, _ = kmeans(vectors, 3, np.random.default_rng(1))
    assert (again == labels).all()


def test_fewer_different_vectors_than_clusters() -> None:
    labels, loss = kmeans(np.repeat([[1.0, 2.0], [3.0, 4.0]], (5, 3), axis=0), 4, np.random.default_rng(0))
    assert labels.tolist() == [0] * 5 + [1] * 3
    assert loss == pytest.approx(0, abs=1e-12)


@given(st.permutations(range(4)))
def test_renamed_clusters_get_their_names_back(order: list[int]) -> None:
    before = np.repeat(np.arange(4), (9, 7, 5, 3))
    renamed = np.array(order)[before]
    assert (matched(renamed, before, 4) == before).all()


def test_every_cluster_gets_a_name_of_its_own() -> None:
    labels, before = np.array([0, 0, 1, 1, 2]), np.array([1, 1, 1, 1, 0])
    names = matched(labels, before, 3)
    assert names[0] == names[1] == 1
    assert len(set(names.tolist())) == 3


def test_tokens_are_grouped_by_direction_not_length() -> None:
    lengths = torch.rand(40, 1) + 0.1
    directions = torch.eye(8)[torch.arange(40) % 2]
    labels, explained = group_tokens(lengths * directions, 2, np.random.default_rng(0))
    assert len({*labels[::2]}) == len({*labels[1::2]}) == 1
    assert labels[0] != labels[1]
    assert explained == pytest.approx(1)
