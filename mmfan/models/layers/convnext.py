"""The first two ConvNeXt stages (arXiv 2201.03545), which FAN-Hybrid puts in front of its token blocks.

Maps are kept in channels-last order: then the layer norm and the two 1x1 convolutions of a block are a layer norm and
two matrix products over rows of channels, and only the depth-wise convolution is a convolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.models.layers.checkpointing import LightSteps, run
from mmfan.models.layers.chunked import pieces_pay, rowwise
from mmfan.models.layers.depthwise import DepthwiseConv
from mmfan.models.layers.folded_scale import scaled
from mmfan.models.layers.products import product

WIDTHS = (128, 256)
# Pixels of a strip of a map: see mmfan.models.layers.chunked; the rows around it count for the more, the thinner it is.
STRIP = 2048


class UnbiasedLayerNorm(nn.LayerNorm):
    """Layer norm by the unbiased variance (divided by C - 1), over the last axis.

    The published models were trained with it inside the ConvNeXt stages, though not in the stem. With r = (C - 1) / C,
    ``rsqrt(var * C / (C - 1) + eps)`` is ``sqrt(r) * rsqrt(var + r * eps)``: an ordinary layer norm with another
    weight and another eps.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C)`` to the same shape."""
        ratio = (x.shape[-1] - 1) / x.shape[-1]
        return F.layer_norm(x, self.normalized_shape, self.weight * ratio**0.5, self.bias, self.eps * ratio)


class OverChannels(nn.Module):
    """Mixed into a layer norm: act on the channels of a map ``(B, C, H, W)``, channels-last."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same, channels-last."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class MapNorm(OverChannels, nn.LayerNorm):
    """Layer norm over the channels of a map."""


class DownsampleNorm(OverChannels, UnbiasedLayerNorm):
    """Unbiased layer norm over the channels of a map."""


class PointwiseMlp(nn.Module):
    """Two 1x1 convolutions with GELU between, as matrix products over the channels."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(dim, hidden, kernel_size=1)
        self.fc2 = nn.Conv2d(hidden, dim, kernel_size=1)

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """``(..., C)`` and ``(C,)`` to ``scale * mlp(x)``."""
        wide = product(x, self.fc1.weight.flatten(1), self.fc1.bias, gelu=True)
        weight, bias = scaled(self.fc2, scale)
        return product(wide, weight.flatten(1), bias)


class ConvNeXtBlock(LightSteps):
    """x + gamma * MLP(LN(depth-wise 7x7 convolution of x)), with the unbiased layer norm.

    Args:
        dim: Channels C.
        layer_scale: Initial value of gamma.
    """

    def __init__(self, dim: int, layer_scale: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), layer_scale))
        self.conv_dw = DepthwiseConv(dim, 7)
        self.norm = UnbiasedLayerNorm(dim, eps=1e-6)
        self.mlp = PointwiseMlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape, channels-last.

        The norm and the MLP, four times as wide, are not kept for the backward pass but computed again, unless
        ``light`` is False: five of the seven maps a block would keep, for its two products.
        """
        if pieces_pay(x):
            return self._in_strips(x)
        rows = self.conv_dw(x).permute(0, 2, 3, 1), x.permute(0, 2, 3, 1)  # (B, H, W, C)
        return rowwise(self._after_conv, *rows, light=self.light).permute(0, 3, 1, 2)

    def _in_strips(self, x: Tensor) -> Tensor:
        """The same in strips of whole rows, so that the output of the convolution stays in the cache too."""
        (batch, _, height, width), reach = x.shape, self.conv_dw.kernel_size[0] // 2
        out = torch.empty_like(x, memory_format=torch.channels_last)
        step = max(1, STRIP // (batch * width))
        for top in range(0, height, step):
            bottom = min(top + step, height)
            around = x[:, :, max(0, top - reach) : bottom + reach]
            missing = max(0, reach - top), max(0, bottom + reach - height)  # rows above and below the map
            around = F.pad(around, (0, 0, *missing)) if any(missing) else around
            weight, bias = self.conv_dw.weight, self.conv_dw.bias
            mixed = F.conv2d(around, weight, bias, padding=(0, reach), groups=self.conv_dw.groups)
            rows = mixed.permute(0, 2, 3, 1), x[:, :, top:bottom].permute(0, 2, 3, 1)  # (B, rows, W, C)
            out[:, :, top:bottom] = self._after_conv(*rows).permute(0, 3, 1, 2)
        return out

    def _after_conv(self, y: Tensor, x: Tensor) -> Tensor:
        return x + self.mlp(self.norm(y), self.gamma)


class ConvNeXtStage(nn.Module):
    """Blocks of one width, after a halving of the map when the width changes."""

    def __init__(self, before: int, dim: int, depth: int, layer_scale: float) -> None:
        super().__init__()
        self.downsample: nn.Module = nn.Identity()
        if before != dim:
            self.downsample = nn.Sequential(DownsampleNorm(before, eps=1e-6), nn.Conv2d(before, dim, 2, stride=2))
        self.blocks = nn.ModuleList(ConvNeXtBlock(dim, layer_scale) for _ in range(depth))

    def forward(self, x: Tensor, with_cp: bool = False) -> Tensor:
        """``(B, before, H, W)`` to ``(B, dim, H, W)`` or half the size; ``with_cp`` recomputes blocks in backward."""
        x = self.downsample(x)
        for block in self.blocks:
            x = run(block, x, with_cp=with_cp)
        return x


class ConvNeXtStages(nn.Module):
    """A 4x4 patch stem and two stages: the maps of stride 4 and 8.

    Args:
        depths: Number of blocks of the two stages.
        layer_scale: Initial value of every block's gamma.
        in_channels: Channels of the picture.
    """

    def __init__(self, depths: Sequence[int], layer_scale: float = 1e-6, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, WIDTHS[0], 4, stride=4), MapNorm(WIDTHS[0], eps=1e-6))
        befores = (WIDTHS[0], *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            ConvNeXtStage(before, dim, depth, layer_scale)
            for before, dim, depth in zip(befores, WIDTHS, depths, strict=True)
        )

    def forward(self, x: Tensor, with_cp: bool = False) -> list[Tensor]:
        """``(B, 3, H, W)`` to ``[(B, 128, H/4, W/4), (B, 256, H/8, W/8)]``."""
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        maps = []
        for stage in self.stages:
            x = stage(x, with_cp)
            maps.append(x)
        return maps


class HybridPatchEmbed(nn.Module):
    """ConvNeXt stages, then a 2x2 convolution of stride 2 to the width of the tokens.

    Args:
        dim: Width E of the tokens.
        depths: Number of blocks of the two ConvNeXt stages.
        layer_scale: Initial value of the gammas of their blocks.
        in_channels: Channels of the picture.
    """

    def __init__(self, dim: int, depths: Sequence[int], layer_scale: float = 1e-6, in_channels: int = 3) -> None:
        super().__init__()
        self.backbone = ConvNeXtStages(depths, layer_scale, in_channels)
        self.proj = nn.Conv2d(WIDTHS[-1], dim, kernel_size=2, stride=2)

    def forward(self, x: Tensor, with_cp: bool = False) -> tuple[Tensor, list[Tensor]]:
        """``(B, 3, H, W)`` to ``(B, E, H/16, W/16)`` and the maps of stride 4 and 8."""
        maps = self.backbone(x, with_cp)
        return self.proj(maps[-1]), maps
