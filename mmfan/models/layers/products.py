"""Matrix products with weights, on a CPU by oneDNN's kernels where PyTorch would take those of its BLAS library.

In float32 ``torch.nn.functional.linear`` calls MKL, which leaves the wider half of the vector units of many processors
idle (measured on an AMD EPYC with AVX-512: 100 of 240 billion operations a second and core). oneDNN, which PyTorch
brings along and its compiler uses, compiles its kernels for the processor at hand; a GELU is computed on the way out,
where the values still are in registers. The function is the same, sums may be rounded in another order.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F

from mmfan.models.layers.recording import is_recorded


def _onednn_product() -> Any:
    """OneDNN's product as PyTorch offers it, ``None`` where it has none or the processor is none that it is for."""
    capability = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", lambda: "")()
    if not torch.backends.mkldnn.is_available() or not capability.startswith("AVX"):
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


_PRODUCT = _onednn_product()
# from torch 2.4 on it asks for the device
_is_autocast = (
    partial(torch.is_autocast_enabled, "cpu") if hasattr(torch, "get_autocast_dtype") else torch.is_autocast_cpu_enabled
)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None, gelu: bool = False) -> Tensor:
    """``x @ weight.T + bias`` over the last axis, and the (exact) GELU of it where asked for.

    Args:
        x: ``(..., K)``.
        weight: ``(N, K)``.
        bias: ``(N,)``.
        gelu: Whether the GELU follows.

    Returns:
        ``(..., N)``.
    """
    if not _fast(x, weight):
        y = F.linear(x, weight, bias)
        return F.gelu(y) if gelu else y
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, weight, bias)):
        rows = _Product.apply(x.reshape(-1, x.shape[-1]), weight, bias)
        y = rows.view(*x.shape[:-1], weight.shape[0])
        return F.gelu(y) if gelu else y
    return _PRODUCT(x, weight, bias, "gelu" if gelu else "none", [], "none" if gelu else "")


def _fast(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN's product can take these: float32 on a CPU, computed now and not recorded or transformed."""
    return bool(
        _PRODUCT is not None
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.numel() > 0
        and not _is_autocast()
        and not is_recorded()
        and torch._C._len_torch_dispatch_stack() == 0  # counters, fake tensors: what reads operators knows linear's
        and not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
        and torch.backends.mkldnn.enabled
    )


class _Product(torch.autograd.Function):
    """Rows ``(M, K)`` times a weight ``(N, K)`` plus a bias; its gradients are such products, of any order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _PRODUCT(x, weight, bias, "none", [], "")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        grad_x = product(grad, weight.t()) if wanted[0] else None
        grad_weight = _product_of_transposed(grad, x) if wanted[1] else None
        return grad_x, grad_weight, grad.sum(0) if wanted[2] else None


def _product_of_transposed(a: Tensor, b: Tensor) -> Tensor:
    """``a.T @ b``. The first factor of a product is copied to be transposed, so the narrower one comes first."""
    return product(a.t(), b.t()) if a.shape[1] <= b.shape[1] else product(b.t(), a.t()).t()


class Linear(nn.Linear):
    """``torch.nn.Linear`` by :func:`product`."""

    def forward(self, x: Tensor) -> Tensor:
        """``(..., K)`` to ``(..., N)``."""
        return product(x, self.weight, self.bias)
