"""A feature pyramid from one map of a plain vision transformer.

Paper: Exploring Plain Vision Transformer Backbones for Object Detection, Li et al., ECCV 2022, arXiv 2203.16527,
section 3 and appendix A.2. Written from the paper. FAN-ViT has stride 16 throughout, so it needs this to serve
detectors that look for small objects at stride 4 and for large ones at stride 32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.models.layers.convnext import MapNorm
from mmfan.registry import MODELS

IN_STRIDE = 16
OUT_STRIDES = (4, 8, 16, 32)  # further levels halve the last one


def _norm(channels: int) -> MapNorm:
    return MapNorm(channels, eps=1e-6)


def _rescale(channels: int, stride: int) -> tuple[nn.Module, int]:
    """What brings a stride-16 map of ``channels`` to ``stride``, and the channels it ends with."""
    if stride == 4:
        twice = nn.Sequential(
            nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2),
            _norm(channels // 2),
            nn.GELU(),
            nn.ConvTranspose2d(channels // 2, channels // 4, kernel_size=2, stride=2),
        )
        return twice, channels // 4
    if stride == 8:
        return nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2), channels // 2
    if stride == 16:
        return nn.Identity(), channels
    # rounded up, so that the last row of an odd map is seen too
    return nn.MaxPool2d(kernel_size=2, stride=2, ceil_mode=True), channels


@MODELS.register_module()
class SimpleFeaturePyramid(BaseModule):
    """Maps of strides 4, 8, 16, 32 and beyond, each made from the same stride-16 map.

    Strides 8 and 4 by one or two transposed convolutions of stride 2, stride 32 by max pooling; then a 1x1 and a 3x3
    convolution to the common width, a layer norm over the channels behind each. No level sees another. Levels beyond
    the fourth take every second point of the one before, as FPN's do.

    Args:
        in_channels: Channels of the stride-16 map, a multiple of 4: ``backbone.out_channels[in_index]``.
        out_channels: Channels of every level.
        num_outs: Levels, 4 or more; 5 end with stride 64, which region proposals use.
        in_index: Which of the backbone's outputs to take; all of FAN-ViT's have stride 16, the last is the deepest.
        init_cfg: As any mmengine module has it.

    Raises:
        MMFanError: A number is out of range; the message names it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        num_outs: int = 5,
        in_index: int = -1,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not isinstance(in_channels, int) or in_channels < 4 or in_channels % 4:
            raise MMFanError(f"Expected in_channels to be one number, a multiple of 4, got {in_channels!r}.")
        if out_channels < 1:
            raise MMFanError(f"Expected out_channels to be positive, got {out_channels}.")
        if num_outs < len(OUT_STRIDES):
            raise MMFanError(f"Expected num_outs to be {len(OUT_STRIDES)} or more, got {num_outs}.")
        self.in_channels, self.in_index, self.num_outs = in_channels, in_index, num_outs
        self.out_channels = (out_channels,) * num_outs
        self.out_strides = tuple(OUT_STRIDES[0] * 2**level for level in range(num_outs))
        self.levels = nn.ModuleList()
        for stride in OUT_STRIDES:
            rescale, channels = _rescale(in_channels, stride)
            lateral = nn.Conv2d(channels, out_channels, kernel_size=1, bias=False)  # the norm has the bias
            smooth = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False)
            self.levels.append(nn.Sequential(rescale, lateral, _norm(out_channels), smooth, _norm(out_channels)))

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The pyramid of a batch.

        Args:
            inputs: The backbone's outputs; the one at ``in_index``, ``(B, in_channels, H, W)``, is used.

        Returns:
            ``num_outs`` maps ``(B, out_channels, ., .)`` of sides 4, 2, 1, 1/2, 1/4, ... times H and W (rounded up).

        Raises:
            MMFanError: There is no such output, or it has another number of channels.
        """
        if not -len(inputs) <= self.in_index < len(inputs):
            raise MMFanError(f"Expected in_index to be one of the {len(inputs)} inputs, got {self.in_index}.")
        source = inputs[self.in_index]
        if source.shape[1] != self.in_channels:
            raise MMFanError(
                f"Expected input {self.in_index} to have in_channels={self.in_channels} channels, "
                f"got {source.shape[1]}."
            )
        outputs = [level(source).contiguous() for level in self.levels]  # not channels-last: see DenseBackbone.hand_on
        while len(outputs) < self.num_outs:
            outputs.append(F.max_pool2d(outputs[-1], kernel_size=1, stride=2))
        return tuple(outputs)
