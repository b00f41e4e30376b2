"""Depth-wise convolution, in the memory layout that is set for its device."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.errors import MMFanError

# Kind of device -> the layout that depth-wise convolutions work in: 'channels_last', that of the maps around them, or
# 'contiguous', for two copies. On CPUs the first is the faster one. On CUDA cuDNN takes maps that are channels-last and
# PyTorch's own kernels the others; which is faster was not measured on a GPU, so that no copy is made there either.
LAYOUTS = {"cpu": "channels_last", "cuda": "channels_last"}


class DepthwiseConv(nn.Conv2d):
    """Every channel by a kernel of its own; the map keeps its size.

    Args:
        dim: Channels C.
        kernel: Odd side of the kernel.
    """

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__(dim, dim, kernel_size=kernel, padding=kernel // 2, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        return self.by(x, self.weight, self.bias)

    def by(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The same by other weights ``(C, 1, k, k)`` and biases ``(C,)``.

        Raises:
            MMFanError: :data:`LAYOUTS` names none for the device.
        """
        layout = LAYOUTS.get(x.device.type, "channels_last")
        if layout == "channels_last":
            return F.conv2d(x, weight, bias, padding=self.padding, groups=self.groups)
        if layout != "contiguous":
            raise MMFanError(
                f"Expected LAYOUTS[{x.device.type!r}] of depth-wise convolutions to be 'channels_last' or "
                f"'contiguous', got {layout!r}."
            )
        mixed = F.conv2d(x.contiguous(), weight.contiguous(), bias, padding=self.padding, groups=self.groups)
        return mixed.contiguous(memory_format=torch.channels_last)
