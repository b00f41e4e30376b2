"""The two kinds of blocks that AlterNet alternates (How Do Vision Transformers Work?, arXiv 2202.06709, section 4).

Both are pre-activation residual blocks of maps ``(B, C, H, W)``: a norm comes before each layer and none after the
last, so a stage ends in a raw sum.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.models.layers.drop import DropPath
from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.products import Linear
from mmfan.models.layers.swin_block import RelativeBias
from mmfan.models.layers.windows import in_windows, out_of_windows, window_attention, window_mask

HEAD_WIDTH = 64


class ConvBlock(nn.Module):
    """The residual block of a pre-activation ResNet (arXiv 1603.05027), basic or bottleneck.

    Norm - ReLU - convolution, two or three times: 3x3, 3x3 (expansion 1) or 1x1, 3x3, 1x1. Where the shape changes, a
    1x1 convolution of the first activation takes the place of the identity.

    Args:
        in_channels: Channels before.
        width: Channels of the 3x3 convolutions; ``width * expansion`` come out.
        expansion: 1 for a basic block, more for a bottleneck.
        stride: Of the block.
        drop_path: Rate of stochastic depth.
        norm_layer: Builds the batch norms.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        expansion: int,
        stride: int = 1,
        drop_path: float = 0.0,
        norm_layer: NormLayer = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        out_channels = width * expansion
        self.norm1 = norm_layer(in_channels)
        self.norm2 = norm_layer(width)
        if expansion == 1:
            self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
            self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
            self.norm3, self.conv3 = None, None
        else:
            self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
            self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
            self.norm3 = norm_layer(width)
            self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.shortcut: nn.Conv2d | None = None
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, width * expansion, H', W')``, sides divided by the stride, rounded up."""
        active = F.relu(self.norm1(x))
        skip = x if self.shortcut is None else self.shortcut(active)
        y = self.conv2(F.relu(self.norm2(self.conv1(active))))
        if self.conv3 is not None and self.norm3 is not None:
            y = self.conv3(F.relu(self.norm3(y)))
        return skip + self.drop_path(y)


class WindowMapAttention(RelativeBias):
    """Self-attention within windows that do not overlap and are not shifted; heads of 64 share one position table.

    Queries, keys and values have no bias, the output projection has one. Padding, where the sides of a map are no
    multiples of the window, is masked.

    Args:
        in_channels: Channels before.
        out_channels: Channels after.
        num_heads: Any number; the width between is 64 times it.
        window: Side of a window.
    """

    def __init__(self, in_channels: int, out_channels: int, num_heads: int, window: int) -> None:
        super().__init__(window, num_tables=1, keep_index=False)
        self.num_heads = num_heads
        self.q = Linear(in_channels, num_heads * HEAD_WIDTH, bias=False)
        self.kv = Linear(in_channels, 2 * num_heads * HEAD_WIDTH, bias=False)
        self.proj = Linear(num_heads * HEAD_WIDTH, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to ``(B, out_channels, H, W)``."""
        size = (x.shape[2], x.shape[3])
        windows = in_windows(x.permute(0, 2, 3, 1), self.window)  # (B, windows, w*w, C)
        q = self.q(windows).unflatten(3, (self.num_heads, HEAD_WIDTH))
        k, v = self.kv(windows).unflatten(3, (2, self.num_heads, HEAD_WIDTH)).unbind(3)
        mask = window_mask(size, self.window, device=x.device)
        mixed = self.proj(window_attention(q, k, v, self.bias(), mask))
        return out_of_windows(mixed, size, self.window).permute(0, 3, 1, 2)


class MSABlock(nn.Module):
    """Norm - GELU - 1x1 convolution - norm - windowed attention, added to the input; the shape stays.

    There is no MLP: the convolutional blocks around it mix the channels.

    Args:
        channels: Of the input and the output.
        width: Channels between the 1x1 convolution and the attention.
        num_heads: Heads of 64 channels.
        window: Side of a window.
        drop_path: Rate of stochastic depth.
        norm_layer: Builds the batch norms.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        num_heads: int,
        window: int,
        drop_path: float = 0.0,
        norm_layer: NormLayer = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.norm1 = norm_layer(channels)
        self.conv = nn.Conv2d(channels, width, kernel_size=1, bias=False)
        self.norm2 = norm_layer(width)
        self.attn = WindowMapAttention(width, channels, num_heads, window)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to the same shape."""
        y = self.norm2(self.conv(F.gelu(self.norm1(x))))
        return x + self.drop_path(self.attn(y))
