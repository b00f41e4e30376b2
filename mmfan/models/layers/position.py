"""Fourier position encoding (XCiT, arXiv 2106.09681, section 3.3; used by FAN, arXiv 2204.12451).

The encoding is a function of the relative position alone, so it fits maps of any size. Two forms were published: the
ImageNet models pair the frequencies (``rounding='floor'``), the dense-prediction models do not (``rounding=None``).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmfan.errors import MMFanError

NUM_FREQUENCIES = 32
BASE = 10000.0


def fourier_axis(
    length: int, rounding: str | None, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Sines and cosines of the relative position along one axis.

    With ``p`` = 2 pi i / (length + 1e-6) for i = 1..length, entry k is sin (k even) or cos (k odd) of
    ``p / BASE ** e(k)``, where ``e(k) = 2 * floor(k / 2) / 32`` with rounding ``'floor'`` and ``k / 32`` with ``None``.

    Args:
        length: Number of positions.
        rounding: ``'floor'`` or ``None``.
        device: Where to compute.
        dtype: Of the result; the computation is in float32.

    Returns:
        ``(length, 32)`` in [-1, 1].

    Raises:
        MMFanError: ``rounding`` is neither ``'floor'`` nor ``None``.
    """
    if rounding not in ("floor", None):
        raise MMFanError(f"Expected pos_rounding to be 'floor' or None, got {rounding!r}.")
    position = torch.arange(1, length + 1, device=device, dtype=torch.float32) / (length + 1e-6) * (2 * math.pi)
    k = torch.arange(NUM_FREQUENCIES, device=device, dtype=torch.float32)
    exponent = (2 * (k / 2).floor() if rounding == "floor" else k) / NUM_FREQUENCIES
    angle = position[:, None] / BASE**exponent
    return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1).to(dtype)


class FourierPosition(nn.Module):
    """The encoding of both axes, projected to the width of the tokens by a learned 1x1 convolution.

    The projection of ``concat(y, x)`` is the sum of two projections, one an axis; so only ``H + W`` vectors are
    projected, not ``H * W``.

    Args:
        dim: Width E of the tokens.
        rounding: ``'floor'`` or ``None``, see :func:`fourier_axis`.
    """

    def __init__(self, dim: int, rounding: str | None = "floor") -> None:
        super().__init__()
        self.rounding = rounding
        self.token_projection = nn.Conv2d(2 * NUM_FREQUENCIES, dim, kernel_size=1)
        fourier_axis(1, rounding)  # a wrong rounding is an error of the configuration, not of the first picture

    def forward(self, size: tuple[int, int]) -> Tensor:
        """Encode a map of ``size = (H, W)``: ``(1, H*W, E)``."""
        weight, bias = self.token_projection.weight.flatten(1), self.token_projection.bias  # (E, 64)
        rows, columns = (fourier_axis(length, self.rounding, weight.device, weight.dtype) for length in size)
        by_row = nn.functional.linear(rows, weight[:, :NUM_FREQUENCIES], bias)  # (H, E)
        by_column = nn.functional.linear(columns, weight[:, NUM_FREQUENCIES:])  # (W, E)
        return (by_row[:, None] + by_column[None]).flatten(0, 1)[None]
