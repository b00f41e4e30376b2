"""The convolutional patch embedding of FAN-ViT: one 3x3 convolution of stride 2 for every factor of two."""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

NormLayer = Callable[[int], nn.Module]


class ConvPatchEmbed(nn.Module):
    """A picture to a map of stride 16: widths E/8, E/4, E/2, E, batch norm after each, GELU between.

    Args:
        dim: Width E of the tokens, a multiple of 8.
        norm_layer: Builds the norm from the number of channels.
        in_channels: Channels of the picture.
    """

    def __init__(self, dim: int, norm_layer: NormLayer = nn.BatchNorm2d, in_channels: int = 3) -> None:
        super().__init__()
        widths = [in_channels, dim // 8, dim // 4, dim // 2, dim]
        steps: list[nn.Module] = []
        for before, after in pairwise(widths):
            conv = nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1, bias=False)
            steps += [nn.Sequential(conv, norm_layer(after)), nn.GELU()]
        # published under `proj`, with no activation after the last step
        self.proj = nn.Sequential(*steps[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3, H, W)`` to ``(B, E, H/16, W/16)``."""
        return self.proj(x)
