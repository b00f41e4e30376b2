"""The MLP of FAN: its only non-linearity sits inside a pair of depth-wise convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.models.layers.depthwise import DepthwiseConv
from mmfan.models.layers.folded_scale import scaled
from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.products import Linear
from mmfan.models.layers.token_map import to_map, to_tokens


class DepthwiseConvs(nn.Module):
    """Depth-wise 3x3 -> GELU -> batch norm -> depth-wise 3x3, times a scale per channel."""

    def __init__(self, dim: int, norm_layer: NormLayer) -> None:
        super().__init__()
        self.conv1 = DepthwiseConv(dim, 3)
        self.bn = norm_layer(dim)
        self.conv2 = DepthwiseConv(dim, 3)

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """``(B, C, H, W)`` and ``(C,)`` to ``scale * convs(x)``."""
        x = self.bn(F.gelu(self.conv1(x)))
        return self.conv2.by(x, *scaled(self.conv2, scale))


class ConvMlp(nn.Module):
    """fc2(y + gamma * DW(y)) with y = fc1(x); without residual fc2(gamma * DW(y)).

    Args:
        dim: Width E of the tokens.
        hidden: Width between, 4 E in every published model.
        norm_layer: Builds the batch norm between the convolutions.
        layer_scale: Initial value of gamma.
        residual: Whether y itself is added, as in every published model but FAN-Swin.
    """

    def __init__(
        self,
        dim: int,
        hidden: int,
        norm_layer: NormLayer = nn.BatchNorm2d,
        layer_scale: float = 1.0,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.fc1 = Linear(dim, hidden)
        self.dwconv = DepthwiseConvs(hidden, norm_layer)
        self.gamma = nn.Parameter(torch.full((hidden,), layer_scale))
        self.fc2 = Linear(hidden, dim)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """``(B, N, E)``, N = H * W of ``size = (H, W)``, to the same shape."""
        x = self.fc1(x)
        mixed = to_tokens(self.dwconv(to_map(x, size), self.gamma))
        return self.fc2(x + mixed if self.residual else mixed)
