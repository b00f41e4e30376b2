"""FAN-ViT: fully attentional blocks behind a convolutional patch embedding.

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
from mmfan.models.layers import ConvPatchEmbed
from mmfan.models.layers.init import init_fan_weights
from mmfan.registry import MODELS

NUMBERS = ("embed_dims", "depth", "num_heads")
ARCHS: dict[str, dict[str, Any]] = {
    "tiny": {"embed_dims": 192, "depth": 12, "num_heads": 4},
    "small": {"embed_dims": 384, "depth": 12, "num_heads": 8},
    "base": {"embed_dims": 448, "depth": 18, "num_heads": 8},
    "large": {"embed_dims": 480, "depth": 24, "num_heads": 10},
}


def default_out_indices(depth: int) -> tuple[int, ...]:
    """The blocks to tap: 4, 7, 11 for 12 blocks as published, the ends of three equal parts for other depths.

    >>> default_out_indices(12), default_out_indices(24)
    ((4, 7, 11), (7, 15, 23))
    """
    if depth == 12:
        return (4, 7, 11)
    return tuple(sorted({max(depth * part // 3, 1) - 1 for part in (1, 2, 3)}))


@MODELS.register_module()
class FAN(FANBackbone):
    """FAN-ViT backbone: every output has stride 16 and the width of the tokens.

    Args:
        arch: ``'tiny'``, ``'small'``, ``'base'``, ``'large'``, or a dict with ``embed_dims`` (a multiple of 8 and of
            ``num_heads``), ``depth`` and ``num_heads``.
        out_indices: Blocks to tap, rising; by default :func:`default_out_indices`. The tokens after class attention
            always follow as the last output.
        kwargs: See :class:`~mmfan.models.backbones.fan_base.FANBackbone`.

    Raises:
        MMFanError: A wrong name, missing or unknown numbers, heads that do not divide the width, a tap out of range.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "tiny",
        out_indices: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        numbers = resolve_arch(arch, ARCHS, NUMBERS)
        dim, depth = numbers["embed_dims"], numbers["depth"]
        if dim % 8:
            raise MMFanError(f"Expected embed_dims of FAN to be a multiple of 8, got {dim}.")
        self.patch_embed = ConvPatchEmbed(dim, self.norm_layer())
        indices = default_out_indices(depth) if out_indices is None else out_indices
        self.build_blocks([Width(dim, numbers["num_heads"])] * depth, indices)
        init_fan_weights(self)

    def embed(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``(B, 3, H, W)`` to ``(B, E, H/16, W/16)``; there are no early outputs."""
        return self.patch_embed(x), []

    def embedding_stages(self) -> list[list[nn.Module]]:
        """One part: the patch embedding and the position."""
        return [[self.patch_embed, self.pos_embed]]
