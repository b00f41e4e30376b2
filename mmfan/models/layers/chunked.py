"""Chunked computation over large maps, so that their widest intermediates never exist as a whole.

At 1024 x 1024 the widest intermediates of a segmentor take 130 to 200 MB each. On a CPU the time then goes into memory,
not arithmetic: fresh pages for every intermediate, a trip to main memory for every element-wise step. In pieces of a
few MB the intermediates stay in the cache and the pages are reused. The operations on an element are the same.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmfan.models.layers.checkpointing import recomputed
from mmfan.models.layers.recording import is_recorded

# Pixels a piece: with the 512 to 1024 channels of the widest intermediates 2 to 4 MB, a share of a CPU's L3 cache.
PIECE = 1024
# The same with gradients, where every piece also adds to the gradients of all weights.
TRAINING_PIECE = 8192


def pieces_pay(x: Tensor) -> bool:
    """Whether to work in pieces: on a CPU, without gradients, and not while the operations are recorded.

    A compiler fuses the steps by itself, and a tracer would keep the pieces of one size of picture (or, of pieces
    written into a tensor made before, nothing at all).
    """
    return x.device.type == "cpu" and not torch.is_grad_enabled() and not is_recorded()


def rowwise(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """Apply a function that treats every row (pixel, token) by itself, in pieces where that pays.

    With gradients only the inputs are kept for the backward pass, where everything else is computed again.

    Args:
        function: Maps rows ``(n, C_i)`` of each input to ``(n, C_0)``, the width of the first input. It must not draw
            random numbers.
        inputs: ``(..., C_i)``, with equal leading dimensions.

    Returns:
        The shape of the first input.
    """
    first = inputs[0]
    if torch.is_grad_enabled():
        return _with_gradients(function, *inputs)
    if not pieces_pay(first):
        return function(*inputs)
    rows = [x.reshape(-1, x.shape[-1]) for x in inputs]
    out = torch.empty_like(rows[0], memory_format=torch.contiguous_format)
    for parts in zip(out.split(PIECE), *(x.split(PIECE) for x in rows), strict=True):
        parts[0].copy_(function(*parts[1:]))
    return out.view(first.shape)


def _with_gradients(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """The function on rows, nothing inside it kept for the backward pass; in pieces on a CPU."""
    first = inputs[0]
    if first.device.type != "cpu" or is_recorded() or first[..., 0].numel() <= TRAINING_PIECE:
        return recomputed(function, *inputs)
    pieces = zip(*(x.reshape(-1, x.shape[-1]).split(TRAINING_PIECE) for x in inputs), strict=True)
    return torch.cat([recomputed(function, *piece) for piece in pieces]).view(first.shape)
