"""The parts of a Swin backbone (arXiv 2103.14030): blocks of windowed attention, merging of patches, the embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.models.layers.channel_processing import EfficientChannelAttention, build_channel_mixer
from mmfan.models.layers.drop import DropPath
from mmfan.models.layers.kept_masks import kept_window_mask
from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.products import Linear
from mmfan.models.layers.recording import is_traced
from mmfan.models.layers.token_attention import check_heads
from mmfan.models.layers.token_map import to_tokens
from mmfan.models.layers.windows import (
    Shift,
    in_windows,
    out_of_windows,
    relative_index,
    shift_of,
    window_attention,
    window_mask,
)


class RelativeBias(nn.Module):
    """Mixed into an attention: a learned bias for each relative position of two places in a window.

    Args:
        window: Side w of a window; positions differ by at most w - 1 along an axis, hence (2 w - 1)**2 rows.
        num_tables: One for each head, or 1 for all heads.
        keep_index: Whether the index belongs to the state dict; published Swin files have it, though it follows from w.
    """

    relative_position_index: Tensor

    def __init__(self, window: int, num_tables: int, keep_index: bool = True) -> None:
        super().__init__()
        self.window = window
        table = torch.empty((2 * window - 1) ** 2, num_tables)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        self.register_buffer("relative_position_index", relative_index(window), persistent=keep_index)

    def bias(self) -> Tensor:
        """What to add to the scores, ``(num_tables, w*w, w*w)``."""
        return self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)


class WindowAttention(RelativeBias):
    """Multi-head self-attention within windows, with a relative position bias for each head.

    Args:
        dim: Width C.
        num_heads: Divides C.
        window: Side w of a window.

    Raises:
        ValueError: ``num_heads`` does not divide ``dim``.
    """

    def __init__(self, dim: int, num_heads: int, window: int) -> None:
        check_heads(dim, num_heads)
        super().__init__(window, num_heads)
        self.num_heads = num_heads
        self.qkv = Linear(dim, 3 * dim)
        self.proj = Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B, windows, w*w, C)`` to the same shape; ``mask`` of :func:`~mmfan.models.layers.windows.window_mask`."""
        q, k, v = self.qkv(x).unflatten(3, (3, self.num_heads, -1)).unbind(3)  # (B, windows, w*w, heads, d) each
        return self.proj(window_attention(q, k, v, self.bias(), mask))


def build_swin_mixer(name: str, dim: int, num_heads: int, norm_layer: NormLayer) -> nn.Module:
    """One of FAN's channel mixers; ``'eca'`` as published for FAN-Swin, whose MLP adds nothing to its convolutions."""
    if name == "eca":
        return EfficientChannelAttention(dim, num_heads, norm_layer, residual=False)
    return build_channel_mixer(name, dim, num_heads, norm_layer)


class SwinBlock(nn.Module):
    """x + attention(LN(x)) in windows, then x + mixer(LN(x)).

    Args:
        dim: Width C.
        num_heads: Heads of the attention and of the channel gate; divides C.
        window: Side of a window.
        shifted: Whether the windows are shifted by half their side (along axes longer than one window).
        channel_mixer: A name in :data:`~mmfan.models.layers.channel_processing.CHANNEL_MIXERS`.
        drop_path: Rate of stochastic depth.
        norm_layer: Builds the batch norms of the mixer.
        stored_size: ``(H, W)`` of the map whose mask belongs to the state dict, as in published files. Other sizes have
            theirs computed.

    Raises:
        ValueError: The mixer is unknown or ``num_heads`` does not divide ``dim``.
    """

    attn_mask: Tensor | None

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window: int,
        shifted: bool,
        channel_mixer: str = "eca",
        drop_path: float = 0.0,
        norm_layer: NormLayer = nn.BatchNorm2d,
        stored_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.window = window
        self.shifted = shifted
        self.stored_size = stored_size
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, num_heads, window)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = build_swin_mixer(channel_mixer, dim, num_heads, norm_layer)
        self.drop_path = DropPath(drop_path)
        stored = None if stored_size is None else window_mask(stored_size, window, self.shift(stored_size))
        self.register_buffer("attn_mask", stored)

    def shift(self, size: tuple[int, int], device: torch.device | None = None) -> Shift:
        """Rows and columns by which the windows of a map of this size are shifted."""
        return shift_of(size, self.window, self.shifted, device)

    def mask(self, size: tuple[int, int], device: torch.device) -> Tensor | None:
        """The mask of the windows of a map ``(H, W)``."""
        if not is_traced() and size == self.stored_size:
            return self.attn_mask
        return kept_window_mask(size, self.window, self.shift(size, device), device)

    def forward(self, x: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """``(B, H*W, C)`` and ``size = (H, W)`` to the same."""
        shift = self.shift(size, x.device)
        windows = in_windows(self.norm1(x).unflatten(1, size), self.window, shift)
        mixed = out_of_windows(self.attn(windows, self.mask(size, x.device)), size, self.window, shift)
        x = x + self.drop_path(mixed.flatten(1, 2))
        return x + self.drop_path(self.mlp(self.norm2(x), size)), size


class PatchMerging(nn.Module):
    """Four neighbouring tokens to one of twice the width; an odd side is padded with zeros, right and below.

    Args:
        dim: Width C before.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
        """``(B, H*W, C)`` and ``(H, W)`` to ``(B, H'*W', 2 C)`` and ``(H', W')``, halves rounded up."""
        height, width = size
        below, right = (1, 1) if is_traced() else (height % 2, width % 2)  # of even sides the padding is never read
        x = F.pad(x.unflatten(1, size), (0, 0, 0, right, 0, below))
        # published order of the four: down the first column, then down the second
        four = [(row, column) for column in (0, 1) for row in (0, 1)]
        x = torch.cat([x[:, row : row + height : 2, column : column + width : 2] for row, column in four], dim=3)
        return self.reduction(self.norm(x.flatten(1, 2))), (x.shape[1], x.shape[2])


class SwinPatchEmbed(nn.Module):
    """Patches of 4 x 4 pixels to tokens, layer norm after; sides are padded to multiples of 4, right and below.

    Args:
        dim: Width C of the tokens.
    """

    STRIDE = 4

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=self.STRIDE, stride=self.STRIDE)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """``(B, 3, H, W)`` to ``(B, H'*W', C)`` and ``(H', W')``, quarters rounded up."""
        most = self.STRIDE - 1  # what is more than needed begins no further patch
        below, right = (most, most) if is_traced() else (-x.shape[2] % self.STRIDE, -x.shape[3] % self.STRIDE)
        x = self.proj(F.pad(x, (0, right, 0, below)))
        return self.norm(to_tokens(x)), (x.shape[2], x.shape[3])
