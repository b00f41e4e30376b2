"""Eigenvalues of matrices that are known: quadratic losses with negative ones, and a penalty that shifts them."""

import pytest
import torch
from torch import nn

from mmfan.analysis.numerics.eigenvalues import (
    hessian_product,
    lanczos,
    mean_positive,
    negative_share,
    power_iteration,
)

SPECTRUM = torch.tensor([9.0, -7.0, 5.0, 3.0, -2.0, 1.0, 0.5, 0.1, 0.0, 0.0], dtype=torch.float64)


def quadratic(spectrum=SPECTRUM, seed=0):
    """Weights in two tensors and the loss w' A w / 2 with A of a known spectrum."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(len(spectrum), len(spectrum), generator=generator, dtype=torch.float64))[0]
    matrix = basis @ torch.diag(spectrum) @ basis.T
    weights = [nn.Parameter(torch.randn(2, 3, generator=generator, dtype=torch.float64))]
    weights.append(nn.Parameter(torch.randn(len(spectrum) - 6, generator=generator, dtype=torch.float64)))
    flat = torch.cat([weight.reshape(-1) for weight in weights])
    return 0.5 * flat @ matrix @ flat, weights, matrix


def start(size=10, seed=1):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_product_is_that_of_the_matrix():
    loss, weights, matrix = quadratic()
    product = hessian_product(loss, weights)
    vector = start()
    torch.testing.assert_close(product(vector), matrix @ vector)
    torch.testing.assert_close(product(vector), matrix @ vector)  # again: the graph is still there


def test_lanczos_finds_both_ends():
    loss, weights, _ = quadratic()
    found = lanczos(hessian_product(loss, weights), start(), steps=10, count=5)
    assert found.values == pytest.approx([9, -7, 5, 3, -2], abs=1e-6)
    assert max(found.residuals) < 1e-5
    assert found.products <= 10


def test_residuals_bound_the_error_before_it_has_converged():
    loss, weights, _ = quadratic()
    found = lanczos(hessian_product(loss, weights), start(), steps=5, count=3)
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert (SPECTRUM - value).abs().min() <= residual + 1e-9


def test_power_iteration_agrees():
    loss, weights, _ = quadratic()
    generator = torch.Generator().manual_seed(0)
    product = hessian_product(loss, weights)
    found = power_iteration(
        lambda vector: product(vector.double()).float(), 10, 3, generator, iterations=500, tolerance=1e-9
    )
    assert found.values == pytest.approx([9, -7, 5], abs=1e-2)


@pytest.mark.parametrize("seed", range(3))
def test_residuals_of_power_iteration_are_of_the_matrix_itself(seed):
    """Two eigenvalues of one magnitude, which it cannot tell apart: neither is found, and each residual says so."""
    values = torch.tensor([5.0, -2.5, 2.5, 1.0])
    found = power_iteration(lambda vector: values * vector, 4, 3, torch.Generator().manual_seed(seed), 200, 1e-7)
    assert found.values[0] == pytest.approx(5.0, abs=1e-3)
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert (values - value).abs().min() <= residual + 1e-4


def test_a_penalty_adds_exactly_its_weight():
    loss, weights, _ = quadratic()
    plain = lanczos(hessian_product(loss, weights), start(), 10, 10).values
    shifted = lanczos(hessian_product(loss, weights, decays=[0.25, 0.25]), start(), 10, 10).values
    assert sorted(shifted) == pytest.approx([value + 0.25 for value in sorted(plain)], abs=1e-8)
    # and only on what it is on
    vector = torch.zeros(10, dtype=torch.float64)
    vector[-1] = 1
    difference = hessian_product(loss, weights, decays=[0.5, 0.0])(vector) - hessian_product(loss, weights)(vector)
    assert difference.abs().max() == 0


def test_penalty_in_the_loss_is_the_same():
    _, weights, matrix = quadratic()
    flat = torch.cat([weight.reshape(-1) for weight in weights])
    product = hessian_product(0.5 * flat @ matrix @ flat + 0.05 * flat.square().sum(), weights)
    vector = start()
    torch.testing.assert_close(product(vector), matrix @ vector + 0.1 * vector)


def test_unused_and_linear_weights_have_no_curvature():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    product = hessian_product((3 * used).sum(), [used, unused])
    assert product(torch.ones(5)).abs().max() == 0
    found = lanczos(product, torch.ones(5), steps=5, count=2)
    assert found.values == (0.0,)


def test_second_derivatives_of_a_fan_block_are_those_of_differences():
    from mmfan.analysis.training_loss import twice_differentiable
    from mmfan.models.layers import FANBlock
    from mmfan.models.layers.convnext import ConvNeXtBlock

    torch.manual_seed(0)
    stem, block = ConvNeXtBlock(8, 1.0).double().eval(), FANBlock(8, 2).double().eval()
    picture = torch.randn(1, 8, 4, 4, dtype=torch.float64)
    weights = [*stem.parameters(), *block.parameters()]

    def loss():
        tokens = stem(picture).flatten(2).transpose(1, 2)
        return block(tokens, (4, 4))[0].square().mean()

    def gradient():
        return torch.cat([part.reshape(-1) for part in torch.autograd.grad(loss(), weights)])

    vector = torch.randn(sum(weight.numel() for weight in weights), dtype=torch.float64)
    with twice_differentiable():
        exact = hessian_product(loss(), weights)(vector)
        step = 1e-5
        sides = []
        for sign in (1, -1):
            moved = vector.split([weight.numel() for weight in weights])
            with torch.no_grad():
                for weight, part in zip(weights, moved, strict=True):
                    weight.add_(part.view_as(weight), alpha=sign * step)
            sides.append(gradient())
            with torch.no_grad():
                for weight, part in zip(weights, moved, strict=True):
                    weight.sub_(part.view_as(weight), alpha=sign * step)
    torch.testing.assert_close(exact, (sides[0] - sides[1]) / (2 * step), rtol=1e-4, atol=1e-5)


def test_shares_and_means():
    assert negative_share([3.0, -1.0, 1.0, 0.0]) == 0.25
    assert mean_positive([3.0, -1.0, 1.0, 0.0]) == 2.0
    assert negative_share([]) is None
    assert mean_positive([-1.0]) is None
