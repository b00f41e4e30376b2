"""The layers of the plain form, see :mod:`mmfan.benchmark.plain.segmentor`.

Sources: the FAN block and its channel attention, arXiv 2204.12451 section 3; class attention with normalised tokens and
the Fourier position, XCiT (arXiv 2106.09681); the stem, ConvNeXt (arXiv 2201.03545).

Shapes: B pictures, N = H * W tokens in row-major order, E channels, h heads of c = E / h channels.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PosRounding = Literal["floor"] | None

STEM_WIDTHS = (128, 256)  # the two ConvNeXt stages of every hybrid


def tokens_to_map(x: Tensor, h: int, w: int) -> Tensor:
    """(B, N, C) to (B, C, H, W)."""
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], h, w)


def map_to_tokens(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, N, C)."""
    return x.flatten(2).transpose(1, 2)


class MapLayerNorm(nn.LayerNorm):
    """LayerNorm over the channels of a (B, C, H, W) map."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in and out."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).contiguous()


class UnbiasedMapLayerNorm(nn.LayerNorm):
    """The same with the variance divided by C - 1 instead of C.

    The published hybrids compute every norm of their stem but the first in this way (their outputs show it: the two
    divisors are 0.4 % apart at 128 channels), and trained weights expect it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in and out."""
        variance, mean = torch.var_mean(x, dim=1, keepdim=True, correction=1)
        y = (x - mean) / torch.sqrt(variance + self.eps)
        return y * self.weight[:, None, None] + self.bias[:, None, None]


class ConvNeXtBlock(nn.Module):
    """7x7 depthwise, norm, 1x1 to four times the width, GELU, 1x1 back, layer scale, residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))
        self.conv_dw = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = UnbiasedMapLayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Conv2d(width, 4 * width, 1), "fc2": nn.Conv2d(4 * width, width, 1)})

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in and out."""
        y = self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm(self.conv_dw(x)))))
        return x + self.gamma[:, None, None] * y


class ConvNeXtStage(nn.Module):
    """A stage; all but the first begin with norm and a 2x2 stride-2 convolution."""

    def __init__(self, width_in: int, width: int, depth: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        if width_in != width:
            steps = [UnbiasedMapLayerNorm(width_in, eps=1e-6), nn.Conv2d(width_in, width, 2, stride=2)]
        self.downsample = nn.Sequential(*steps)
        self.blocks = nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) to (B, C, H, W) or, after a downsample, (B, C, H / 2, W / 2)."""
        return self.blocks(self.downsample(x))


class ConvNeXtStem(nn.Module):
    """4x4 patches, then two stages: the maps of strides 4 and 8."""

    def __init__(self, depths: Sequence[int]) -> None:
        super().__init__()
        first, second = STEM_WIDTHS
        self.stem = nn.Sequential(nn.Conv2d(3, first, 4, stride=4), MapLayerNorm(first, eps=1e-6))
        self.stages = nn.ModuleList([ConvNeXtStage(first, first, depths[0]), ConvNeXtStage(first, second, depths[1])])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) to (B, 128, H / 4, W / 4) and (B, 256, H / 8, W / 8)."""
        c1 = self.stages[0](self.stem(x))
        return c1, self.stages[1](c1)


class HybridPatchEmbed(nn.Module):
    """The ConvNeXt stem, then a 2x2 stride-2 convolution to the width of the blocks."""

    def __init__(self, width: int, stem_depths: Sequence[int]) -> None:
        super().__init__()
        self.backbone = ConvNeXtStem(stem_depths)
        self.proj = nn.Conv2d(STEM_WIDTHS[-1], width, 2, stride=2)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """(B, 3, H, W) to the stem's two maps and the (B, E, H / 16, W / 16) map of tokens."""
        c1, c2 = self.backbone(x)
        return [c1, c2], self.proj(c2)


class ConvPatchEmbed(nn.Module):
    """Four 3x3 stride-2 convolutions without bias, each with BatchNorm, GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (3, width // 8, width // 4, width // 2, width)
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise(widths):
            conv = nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False)
            layers += [nn.Sequential(conv, nn.BatchNorm2d(c_out)), nn.GELU()]
        self.proj = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """(B, 3, H, W) to no maps and the (B, E, H / 16, W / 16) map of tokens."""
        return [], self.proj(x)


class FourierPosition(nn.Module):
    """Sines and cosines of the token's row and column, projected to the width: the same code for any picture size."""

    frequencies = 32  # of each axis

    def __init__(self, width: int, rounding: PosRounding) -> None:
        super().__init__()
        self.rounding = rounding
        self.token_projection = nn.Conv2d(2 * self.frequencies, width, 1)

    def _axis(self, count: int, like: Tensor) -> Tensor:
        """(count, 32): even places hold sines, odd places cosines."""
        place = torch.arange(1, count + 1, dtype=torch.float32, device=like.device)
        place = place / (place[-1:] + 1e-6) * 2 * torch.pi
        k = torch.arange(self.frequencies, dtype=torch.float32, device=like.device)
        exponent = 2 * torch.floor(k / 2) if self.rounding == "floor" else k
        angle = place[:, None] / 10000 ** (exponent / self.frequencies)
        return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """The (1, E, H, W) code of a (B, E, H, W) map."""
        h, w = x.shape[-2:]
        rows = self._axis(h, x)[:, None].expand(h, w, -1)
        columns = self._axis(w, x)[None].expand(h, w, -1)
        code = torch.cat((rows, columns), dim=2).permute(2, 0, 1)[None]  # y first, then x
        return self.token_projection(code.to(x.dtype))


class TokenMixing(nn.Module):
    """Multi-head self-attention over the tokens, with its N x N matrix."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, E) in and out."""
        b, n, e = x.shape
        c = e // self.heads
        q = self.q(x).reshape(b, n, self.heads, c).transpose(1, 2)  # (B, h, N, c)
        k, v = self.kv(x).reshape(b, n, 2, self.heads, c).permute(2, 0, 3, 1, 4)  # each (B, h, N, c)
        matrix = (q @ k.transpose(2, 3) * c**-0.5).softmax(dim=3)  # (B, h, N, N)
        return self.proj((matrix @ v).transpose(1, 2).reshape(b, n, e))


class DepthwiseGelu(nn.Module):
    """3x3 depthwise, GELU, BatchNorm, 3x3 depthwise on the map of the tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.bn = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor, h: int, w: int) -> Tensor:
        """(B, N, C) in and out."""
        y = self.conv2(self.bn(F.gelu(self.conv1(tokens_to_map(x, h, w)))))
        return map_to_tokens(y)


class ConvMlp(nn.Module):
    """Widen, add the scaled depthwise branch, narrow. The GELU of that branch is the only non-linearity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.gamma = nn.Parameter(torch.ones(4 * width))
        self.dwconv = DepthwiseGelu(4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, h: int, w: int) -> Tensor:
        """(B, N, E) in and out."""
        y = self.fc1(x)
        return self.fc2(self.gamma * self.dwconv(y, h, w) + y)


class ChannelProcessing(nn.Module):
    """Efficient channel attention (equation 7 of the paper, as released): one gate in (0.5, 0.731] a channel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.q = nn.Linear(width, width)
        self.mlp_v = ConvMlp(width)
        self.norm_v = nn.LayerNorm(width)  # eps 1e-5, unlike the other norms

    def forward(self, x: Tensor, h: int, w: int) -> Tensor:
        """(B, N, E) in and out."""
        b, n, e = x.shape
        shape = (b, n, self.heads, e // self.heads)
        q = self.q(x).reshape(shape).transpose(1, 2).softmax(dim=2)  # (B, h, N, c), every channel sums to 1 over N
        k = x.reshape(shape).transpose(1, 2).softmax(dim=2)
        prototype = k.mean(dim=3, keepdim=True)  # (B, h, N, 1)
        gate = torch.sigmoid(q.transpose(2, 3) @ prototype) * self.temperature  # (B, h, c, 1)
        v = self.norm_v(self.mlp_v(x, h, w)).reshape(shape).transpose(1, 2)  # (B, h, N, c)
        return (gate.transpose(2, 3) * v).transpose(1, 2).reshape(b, n, e)


class OverlapDownsample(nn.Module):
    """3x3 stride-2 convolution and LayerNorm: the only change of stride between FAN blocks (FAN-XL)."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(width_in, width, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, h: int, w: int) -> tuple[Tensor, int, int]:
        """(B, N, C_in), H, W to (B, N', C), H', W' with H' = ceil(H / 2)."""
        y = self.proj(tokens_to_map(x, h, w))
        return self.norm(map_to_tokens(y)), y.shape[2], y.shape[3]


class PlainBlock(nn.Module):
    """One FAN block: token mixing, channel processing, a scaled residual around each."""

    def __init__(self, width: int, heads: int, width_out: int | None = None) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = TokenMixing(width, heads)
        self.gamma1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = ChannelProcessing(width, heads)
        self.gamma2 = nn.Parameter(torch.ones(width))
        self.downsample = None if width_out in (None, width) else OverlapDownsample(width, width_out)

    def forward(self, x: Tensor, h: int, w: int) -> tuple[Tensor, int, int]:
        """(B, N, E), H, W in and out; N, E, H and W change only in a block that downsamples."""
        x = x + self.gamma1 * self.attn(self.norm1(x))
        x = x + self.gamma2 * self.mlp(self.norm2(x), h, w)
        return (x, h, w) if self.downsample is None else self.downsample(x, h, w)


class ClassAttention(nn.Module):
    """The class token (place 0) asks all N + 1 tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1 + N, E) to (B, 1, E)."""
        b, n, e = x.shape
        c = e // self.heads
        q = self.q(x[:, :1]).reshape(b, 1, self.heads, c).transpose(1, 2)  # (B, h, 1, c)
        k = self.k(x).reshape(b, n, self.heads, c).transpose(1, 2)  # (B, h, 1 + N, c)
        v = self.v(x).reshape(b, n, self.heads, c).transpose(1, 2)
        matrix = (q @ k.transpose(2, 3) * c**-0.5).softmax(dim=3)  # (B, h, 1, 1 + N)
        return self.proj((matrix @ v).transpose(1, 2).reshape(b, 1, e))


class ClassAttentionBlock(nn.Module):
    """Class attention with normalised tokens: patch tokens are scaled, normalised and doubled, and never mixed."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = ClassAttention(width, heads)
        self.gamma1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.gamma2 = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1 + N, E) in and out."""
        y = self.norm1(x)
        x = x + self.gamma1 * torch.cat((self.attn(y), y[:, 1:]), dim=1)
        x = self.norm2(x)
        cls = self.gamma2 * self.mlp["fc2"](F.gelu(self.mlp["fc1"](x[:, :1])))
        return x + torch.cat((cls, x[:, 1:]), dim=1)  # the patch tokens are added to themselves
