"""The fully attentional block: token mixing, then channel processing (FAN, arXiv 2204.12451, figure 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmfan.models.layers.channel_processing import build_channel_mixer
from mmfan.models.layers.drop import DropPath
from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.token_attention import TokenAttention
from mmfan.models.layers.token_map import to_map, to_tokens
from mmfan.models.layers.token_pooling import TokenPooling


class OverlapDownsample(nn.Module):
    """A 3x3 convolution of stride 2 and a layer norm: half the map, another width.

    Args:
        dim: Width before.
        out_dim: Width after.
    """

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(dim, out_dim, kernel_size=3, stride=2, padding=1)
        self.norm = nn.LayerNorm(out_dim)

    def forward(self, x: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """``(B, H*W, C)`` to ``(B, H'*W', C')`` and ``(H', W')``, each side halved and rounded up."""
        x = self.proj(to_map(x, size))
        return self.norm(to_tokens(x)), (x.shape[2], x.shape[3])


class FANBlock(nn.Module):
    """x + gamma1 * attention(LN1(pool(x))), then x + gamma2 * mixer(LN2(x)); FAN has no ``pool``.

    Args:
        dim: Width E.
        num_heads: Heads of the attention and of the channel gate; divides E.
        channel_mixer: A name in :data:`~mmfan.models.layers.channel_processing.CHANNEL_MIXERS`.
        drop_path: Rate of stochastic depth.
        norm_layer: Builds the batch norms.
        out_dim: If given, the block ends by halving the map and changing to this width (FAN-Hybrid XL).
        layer_scale: Initial value of both gammas.
        token_pooling: Number of poolings of :class:`~mmfan.models.layers.token_pooling.TokenPooling` (TAP), 0 for none.

    Raises:
        ValueError: The mixer is unknown or ``num_heads`` does not divide ``dim``.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        channel_mixer: str = "eca",
        drop_path: float = 0.0,
        norm_layer: NormLayer = nn.BatchNorm2d,
        out_dim: int | None = None,
        layer_scale: float = 1.0,
        token_pooling: int = 0,
    ) -> None:
        super().__init__()
        self.pool = TokenPooling(dim, token_pooling, norm_layer) if token_pooling else None
        self.gamma1 = nn.Parameter(torch.full((dim,), layer_scale))
        self.gamma2 = nn.Parameter(torch.full((dim,), layer_scale))
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = TokenAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = build_channel_mixer(channel_mixer, dim, num_heads, norm_layer)
        self.drop_path = DropPath(drop_path)
        self.downsample = OverlapDownsample(dim, out_dim) if out_dim else None

    def forward(self, x: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """``(B, H*W, E)`` and ``size = (H, W)`` to tokens and size, the same unless the block halves the map."""
        seen = x if self.pool is None else self.pool(x, size)
        x = torch.addcmul(x, self.gamma1, self.drop_path(self.attn(self.norm1(seen))))
        x = torch.addcmul(x, self.gamma2, self.drop_path(self.mlp(self.norm2(x), size)))
        return (x, size) if self.downsample is None else self.downsample(x, size)
