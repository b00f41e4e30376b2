"""Eigenvalues of token affinities of tokens whose groups are known."""

import numpy as np
import pytest
import torch

from mmfan.analysis.analyses.spectrum import affinity_eigenvalues, significant

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (9, 9)])
def test_the_smaller_gram_matrix_has_the_same_eigenvalues(shape: tuple[int, int]) -> None:
    z = torch.randn(shape, dtype=torch.float64)
    whole = np.linalg.eigvalsh((z @ z.T).numpy())[::-1][: min(shape)]
    assert affinity_eigenvalues(z) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    centred = z - z.mean(0)
    whole = np.linalg.eigvalsh((centred @ centred.T).numpy())[::-1][: min(shape)]
    assert affinity_eigenvalues(z, centre=True) == pytest.approx(np.maximum(whole, 0), abs=1e-9)


def test_groups_of_orthogonal_tokens_count_as_many_eigenvalues() -> None:
    directions = torch.linalg.qr(torch.randn(16, 16, dtype=torch.float64))[0][:3]
    tokens = directions[torch.arange(60) % 3]
    values = affinity_eigenvalues(tokens)
    assert values[:3] == pytest.approx([20, 20, 20])
    assert significant(values, 1e-3) == 3
    noisy = tokens + 1e-3 * torch.randn(60, 16, dtype=torch.float64)
    assert significant(affinity_eigenvalues(noisy), 1e-3) == 3
    assert significant(affinity_eigenvalues(noisy), 1e-9) == 16


def test_no_tokens_but_zeros() -> None:
    assert significant(affinity_eigenvalues(torch.zeros(5, 3)), 0.01) == 0
