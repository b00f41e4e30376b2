"""FAN-Hybrid: fully attentional blocks behind two ConvNeXt stages; the backbone of the published dense predictors.

Paper: Understanding The Robustness in Vision Transformers, Zhou et al., ICML 2022, arXiv 2204.12451. Written from the
paper and from published facts (sizes, key names, shapes); the official weights load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmfan.errors import MMFanError
from mmfan.models.backbones.arch import resolve_arch
from mmfan.models.backbones.fan_base import FANBackbone, Width
from mmfan.models.layers import HybridPatchEmbed
from mmfan.models.layers.convnext import WIDTHS
from mmfan.models.layers.init import init_fan_weights
from mmfan.registry import MODELS

NUMBERS = ("embed_dims", "depth", "num_heads", "stem_depths")
TAIL_NUMBERS = ("embed_dims", "depth", "num_heads")
# `tail` are blocks at stride 32 behind an overlapping downsample; `tap` is the block that feeds the stride-16 output,
# the last one of that stride unless it is given.
ARCHS: dict[str, dict[str, Any]] = {
    "tiny": {"embed_dims": 192, "depth": 8, "num_heads": 8, "stem_depths": (3, 3)},
    "small": {"embed_dims": 384, "depth": 10, "num_heads": 8, "stem_depths": (3, 3)},
    "base": {"embed_dims": 448, "depth": 16, "num_heads": 8, "stem_depths": (3, 3)},
    "large": {"embed_dims": 480, "depth": 22, "num_heads": 10, "stem_depths": (3, 5), "tap": 18},
    "xlarge": {
        "embed_dims": 528,
        "depth": 20,
        "num_heads": 11,
        "stem_depths": (3, 7),
        "tail": {"embed_dims": 768, "depth": 3, "num_heads": 16},
    },
}


def block_widths(numbers: Mapping[str, Any]) -> list[Width]:
    """Width and heads of every block; with a tail, the last block before it halves the map."""
    widths = [Width(numbers["embed_dims"], numbers["num_heads"])] * numbers["depth"]
    if "tail" in numbers:
        tail = resolve_arch(numbers["tail"], {}, TAIL_NUMBERS)
        widths[-1] = widths[-1]._replace(out_dim=tail["embed_dims"])
        widths += [Width(tail["embed_dims"], tail["num_heads"])] * tail["depth"]
    return widths


@MODELS.register_module()
class FANHybrid(FANBackbone):
    """FAN-Hybrid backbone: outputs of stride 4 and 8 (ConvNeXt stages), the tapped blocks, then the last tokens.

    With the default tap that is ``(128, 256, E, E)`` channels at strides ``(4, 8, 16, 16)``; with
    ``final_downsample=True`` ``(128, 256, E, 768)`` at ``(4, 8, 16, 32)``, which XL has by itself.

    Args:
        arch: ``'tiny'``, ``'small'``, ``'base'``, ``'large'``, ``'xlarge'``, or a dict with ``embed_dims``, ``depth``,
            ``num_heads``, ``stem_depths`` (blocks of the two ConvNeXt stages) and perhaps ``tail`` (a dict of
            ``embed_dims``, ``depth``, ``num_heads`` for blocks at stride 32) and ``tap`` (the block to tap by default).
        out_indices: Blocks to tap, rising; by default the published one. The tokens after class attention always
            follow as the last output.
        stem_layer_scale: Initial value of the ConvNeXt blocks' gammas. The published one keeps them silent for the
            first thousands of iterations; a short training from scratch wants about 1.
        kwargs: See :class:`~mmfan.models.backbones.fan_base.FANBackbone`.

    Raises:
        MMFanError: A wrong name, missing or unknown numbers, heads that do not divide the width, a tap out of range.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "tiny",
        out_indices: Sequence[int] | None = None,
        stem_layer_scale: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        numbers = resolve_arch(arch, ARCHS, NUMBERS, ("tail", "tap"))
        if not isinstance(numbers["stem_depths"], (tuple, list)) or len(numbers["stem_depths"]) != len(WIDTHS):
            raise MMFanError(f"Expected arch['stem_depths'] to be two numbers, got {numbers['stem_depths']!r}.")
        self.patch_embed = HybridPatchEmbed(numbers["embed_dims"], numbers["stem_depths"], stem_layer_scale)
        self.out_channels, self.out_strides = WIDTHS, (4, 8)
        if out_indices is None:
            # with a tail, the last block of the first part already ends at stride 32
            out_indices = (numbers.get("tap", numbers["depth"] - (2 if "tail" in numbers else 1)),)
        self.build_blocks(block_widths(numbers), out_indices)
        init_fan_weights(self, convnext=self.patch_embed.backbone)

    def embed(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``(B, 3, H, W)`` to ``(B, E, H/16, W/16)`` and the maps of stride 4 and 8."""
        return self.patch_embed(x, self.with_cp)

    def embedding_stages(self) -> list[list[nn.Module]]:
        """The stem, the two ConvNeXt stages, and what makes tokens of the last one."""
        convnext = self.patch_embed.backbone
        return [[convnext.stem], *([stage] for stage in convnext.stages), [self.patch_embed.proj, self.pos_embed]]
