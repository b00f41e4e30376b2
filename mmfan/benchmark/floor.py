"""The floor of a time: operations of a piece of work over the machine's matrix-product rate.

Counted are matrix products and convolutions, a multiply-add as two operations; attention is counted as the products
that it consists of, fused or not. Elementwise work is not counted, so the floor is below what can be reached.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from mmfan.models.layers.products import product


@dataclass(frozen=True)
class Operations:
    """Floating-point operations of one run, by kind."""

    matmul: int
    convolution: int
    attention: int  # fused kernels only; attention written out is matmul

    @property
    def total(self) -> int:
        """All of them."""
        return self.matmul + self.convolution + self.attention


def _attention_flop(query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: Any, **__: Any) -> int:
    """Two products: scores (N x d times d x M) and values (N x M times M x d)."""
    *batch, n, d = query
    return 2 * prod(batch) * n * key[-2] * (d + value[-1])


def _attention_backward_flop(
    _grad: Sequence[int], query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: Any, **__: Any
) -> int:
    """Five products: the scores again, and the gradients of values, weights, queries and keys."""
    *batch, n, d = query
    return 2 * prod(batch) * n * key[-2] * (3 * d + 2 * value[-1])


def _conv_backward_flop(
    grad: Sequence[int],
    x: Sequence[int],
    weight: Sequence[int],
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    transposed: bool,
    _output_padding: Any,
    _groups: int,
    output_mask: Sequence[bool],
    **_: Any,
) -> int:
    """As many operations as the forward for each of the two gradients asked for (the bias counts nothing)."""
    places = x if transposed else grad  # every weight meets every place of this one's grid once
    return 2 * places[0] * prod(places[2:]) * prod(weight) * sum(bool(b) for b in output_mask[:2])


# What torch's counter lacks or counts wrongly: it gives nothing for fused attention on the CPU, and ignores the groups
# of a convolution in the backward pass (checked with 2.1 and 2.13). In 2.1 the CPU has no operator of its own for fused
# attention, and the one it shares with GPUs is counted.
_FORMULAS = {
    getattr(torch.ops.aten, name): formula
    for name, formula in {
        "_scaled_dot_product_flash_attention_for_cpu": _attention_flop,
        "_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward_flop,
        "convolution_backward": _conv_backward_flop,
    }.items()
    if hasattr(torch.ops.aten, name)
}


def count_operations(work: Callable[[], object]) -> Operations:
    """Run ``work`` once and count; it must run uncompiled."""
    counter = FlopCounterMode(display=False, custom_mapping=_FORMULAS)
    with counter:
        work()
    kinds = {"matmul": 0, "convolution": 0, "attention": 0}
    for operator, flop in counter.get_flop_counts()["Global"].items():
        name = str(operator)
        kind = "convolution" if "conv" in name else "attention" if "attention" in name else "matmul"
        kinds[kind] += flop
    return Operations(**kinds)


@dataclass(frozen=True)
class MachineRates:
    """What this machine does at best, with the threads it was given.

    Attributes:
        matmul: Operations a second of a large square matrix product.
        bandwidth: Bytes a second read and written by a copy that is larger than the caches.
    """

    matmul: float
    bandwidth: float

    def best(self, other: "MachineRates") -> "MachineRates":
        """The higher of each: a machine that is shared shows its best only now and then."""
        return MachineRates(max(self.matmul, other.matmul), max(self.bandwidth, other.bandwidth))


def measure_rates(
    device: str = "cpu", dtype: torch.dtype = torch.float32, seconds: float = 0.3, side: int | None = None
) -> MachineRates:
    """Measure both rates on a device: the best of repeated runs.

    Args:
        device: ``'cpu'`` or ``'cuda'``.
        dtype: Of the matrix product.
        seconds: About how long each of the two is repeated.
        side: Of the square matrices; by default 2048 on a CPU and 8192 on a GPU.
    """
    side = side or (8192 if device == "cuda" else 2048)
    a, b, out = (_random(side, side, device=device, seed=seed).to(dtype) for seed in range(3))
    # on a CPU by the better of two libraries, see mmfan.models.layers.products
    products = [lambda: torch.mm(a, b, out=out), *([lambda: product(a, b)] if device == "cpu" else [])]
    matmul = 2 * side**3 / min(_best_seconds(work, device, seconds) for work in products)
    source = _random(max(side * side * 8, 1 << 20), device=device)
    target = torch.empty_like(source)
    copy = _best_seconds(lambda: target.copy_(source), device, seconds)
    return MachineRates(matmul, 2 * source.numel() * source.element_size() / copy)


def _random(*shape: int, device: str, seed: int = 0) -> torch.Tensor:
    """Normal random numbers: GPUs, which slow down under load, draw less power for numbers that are all alike."""
    return torch.randn(*shape, device=device, generator=torch.Generator(device).manual_seed(seed))


def _best_seconds(work: Callable[[], object], device: str, seconds: float) -> float:
    """The shortest of runs repeated for about ``seconds``, at least three."""

    def run() -> float:
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    run()  # threads, pages and kernels come into being here
    end = time.perf_counter() + seconds
    runs = [run() for _ in range(3)]
    while time.perf_counter() < end:
        runs.append(run())
    return min(runs)
