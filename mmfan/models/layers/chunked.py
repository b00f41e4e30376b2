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


def rowwise(function: Callable[..., Tensor], *inputs: Tensor, light: bool = True) -> Tensor:
    """Apply a function that treats every row (pixel, token) by itself; with gradients nothing inside it is kept.

    On a CPU the backward pass then computes it again in pieces.

    Args:
        function: Maps rows ``(n, C_i)`` of each input to ``(n, C_0)``, the width of the first input. It must not draw
            random numbers.
        inputs: ``(..., C_i)``, with equal leading dimensions.
        light: Without it everything is kept for the backward pass.

    Returns:
        The shape of the first input.
    """
    first = inputs[0]
    if not light or not torch.is_grad_enabled():
        return function(*inputs)
    if first.device.type != "cpu" or is_recorded() or first[..., 0].numel() <= TRAINING_PIECE:
        return recomputed(function, *inputs)
    pieces = zip(*(x.reshape(-1, x.shape[-1]).split(TRAINING_PIECE) for x in inputs), strict=True)
    return torch.cat([recomputed(function, *piece) for piece in pieces]).view(first.shape)
