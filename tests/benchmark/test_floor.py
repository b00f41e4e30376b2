"""Operation counts against hand-computed numbers, and the rates of the machine."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmfan.benchmark import floor
from mmfan.benchmark.floor import MachineRates, Operations, count_operations, measure_rates


def backward_of(make_output):
    """Count only the backward pass."""
    out = make_output()
    return count_operations(lambda: out.sum().backward())


def test_matrix_product() -> None:
    a, b = torch.ones(3, 5), torch.ones(5, 7)
    assert count_operations(lambda: a @ b) == Operations(matmul=2 * 3 * 5 * 7, convolution=0, attention=0)
    # With a batch of 2, and a bias, which counts nothing.
    x, layer = torch.ones(2, 4, 5), nn.Linear(5, 7)
    assert count_operations(lambda: layer(x)).total == 2 * (2 * 4) * 5 * 7


@pytest.mark.parametrize(("groups", "per_place"), [(1, 6 * 12 * 9), (6, 12 * 9), (3, 2 * 12 * 9)])
def test_convolution_forward_and_backward(groups: int, per_place: int) -> None:
    conv = nn.Conv2d(6, 12, 3, stride=2, padding=1, groups=groups)
    x = torch.ones(2, 6, 8, 10, requires_grad=True)
    forward = 2 * 2 * (4 * 5) * per_place
    assert count_operations(lambda: conv(x)) == Operations(0, forward, 0)
    assert backward_of(lambda: conv(x)) == Operations(0, 2 * forward, 0)  # towards x and towards the weight
    assert backward_of(lambda: conv(x.detach())) == Operations(0, forward, 0)


def test_transposed_convolution_backward() -> None:
    conv = nn.ConvTranspose2d(4, 6, 2, stride=2)
    x = torch.ones(1, 4, 3, 5, requires_grad=True)
    forward = 2 * (3 * 5) * 4 * 6 * 4
    assert count_operations(lambda: conv(x)).total == forward
    assert backward_of(lambda: conv(x)).total == 2 * forward


def test_fused_attention_counts_its_products() -> None:
    q, k, v = (torch.randn(2, 3, n, 8, requires_grad=True) for n in (16, 24, 24))
    one = 2 * (2 * 3) * 16 * 24 * 8
    with torch.no_grad():
        assert count_operations(lambda: F.scaled_dot_product_attention(q, k, v)).total == 2 * one
    fused = count_operations(lambda: F.scaled_dot_product_attention(q, k, v))
    assert fused == Operations(matmul=0, convolution=0, attention=2 * one)
    # Backward makes the scores again: five products.
    assert backward_of(lambda: F.scaled_dot_product_attention(q, k, v)).total == 5 * one
    plain = count_operations(lambda: (q @ k.transpose(2, 3)).softmax(3) @ v)
    assert plain == Operations(matmul=2 * one, convolution=0, attention=0)


def test_rates_are_work_over_the_shortest_time(monkeypatch) -> None:
    shortest, worked = iter([0.75, 0.5, 0.25]), []  # of two libraries the better counts
    monkeypatch.setattr(
        floor, "_best_seconds", lambda work, device, seconds: (worked.append(work()), next(shortest))[1]
    )
    rates = measure_rates(side=512)
    assert rates.matmul == 2 * 512**3 / 0.5
    assert rates.bandwidth == 2 * 512 * 512 * 8 * 4 / 0.25  # float32, read and written
    product, other, copied = worked
    assert other.std().item() == pytest.approx(512**0.5, rel=0.05)
    assert product.std().item() == pytest.approx(512**0.5, rel=0.05)  # of random numbers: 512 products of unit variance
    assert copied.std().item() == pytest.approx(1, rel=0.05)


def test_the_shortest_of_at_least_three_runs_after_one_to_warm_up(monkeypatch) -> None:
    clock = iter([0.0, 1.0, 7.0, 0.0, 3.0, 0.0, 2.0, 0.0, 4.0, 9.0])  # warm-up, end, three runs, after the end
    runs = []
    monkeypatch.setattr(floor.time, "perf_counter", lambda: next(clock))
    assert floor._best_seconds(lambda: runs.append(1), "cpu", 0.0) == 2.0
    assert len(runs) == 4


def test_the_best_of_each_rate_is_kept() -> None:
    assert MachineRates(1.0, 5.0).best(MachineRates(2.0, 4.0)) == MachineRates(2.0, 5.0)
