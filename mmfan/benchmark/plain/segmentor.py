"""FAN and its segmentation head in plain form: the yardstick of the benchmark and a reference for the tests.

Everything is written the straightforward way: the whole N x N attention matrix, channels-first convolutions, LayerNorm
on maps by permuting, class attention over the concatenated class token, the head's concatenated map. No line is shared
with :mod:`mmfan.models`, so that agreement of the two is evidence; the parameter names of the backbone are the
published ones and those of the head mmfan's, so that state dicts interchange.

Source: Zhou et al., "Understanding The Robustness in Vision Transformers", ICML 2022 (arXiv 2204.12451); the head is
that of SegFormer (arXiv 2105.15203, section 3.2) with linear projections.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfan.benchmark.plain.layers import (
    STEM_WIDTHS,
    ClassAttentionBlock,
    ConvPatchEmbed,
    FourierPosition,
    HybridPatchEmbed,
    PlainBlock,
    PosRounding,
    map_to_tokens,
    tokens_to_map,
)
from mmfan.errors import MMFanError

DETECTION_WIDTH = 768  # channels of the stride-32 output
STRIDE = 16


@dataclass(frozen=True)
class PlainArch:
    """The numbers of one model.

    Attributes:
        widths: Channels E of every block. Where the width changes, the block before the change ends in a 3x3 stride-2
            convolution to the new width (FAN-XL only).
        heads: Heads of every block.
        stem_depths: Blocks of the two ConvNeXt stages; ``None`` for the four-convolution stem of FAN-ViT.
        taps: Blocks tapped by default, from 0 (the published ones, where there are any); empty: they must be given.
    """

    widths: tuple[int, ...]
    heads: tuple[int, ...]
    stem_depths: tuple[int, int] | None = None
    taps: tuple[int, ...] = ()


def _even(width: int, depth: int, heads: int, stem: tuple[int, int] | None, taps: tuple[int, ...]) -> PlainArch:
    return PlainArch((width,) * depth, (heads,) * depth, stem, taps)


PLAIN_ARCHS = {
    "vit_tiny": _even(192, 12, 4, None, (4, 7, 11)),
    "vit_small": _even(384, 12, 8, None, (4, 7, 11)),
    "vit_base": _even(448, 18, 8, None, ()),
    "vit_large": _even(480, 24, 10, None, ()),
    "hybrid_tiny": _even(192, 8, 8, (3, 3), (7,)),
    "hybrid_small": _even(384, 10, 8, (3, 3), (9,)),
    "hybrid_base": _even(448, 16, 8, (3, 3), (15,)),
    "hybrid_large": _even(480, 22, 10, (3, 5), (18,)),
    "hybrid_xlarge": PlainArch(
        (528,) * 20 + (768,) * 3, (11,) * 20 + (16,) * 3, (3, 7), (18,)
    ),  # the last of stride 16
}


def _find_arch(arch: str | PlainArch) -> PlainArch:
    if isinstance(arch, PlainArch):
        return arch
    if arch not in PLAIN_ARCHS:
        raise MMFanError(f"Expected arch to be one of {', '.join(PLAIN_ARCHS)}, but got '{arch}'.")
    return PLAIN_ARCHS[arch]


class PlainFAN(nn.Module):
    """FAN-ViT or FAN-Hybrid as a backbone, and as a classifier where ``num_classes`` is given.

    Args:
        arch: A name of ``PLAIN_ARCHS`` or the numbers themselves.
        pos_rounding: ``'floor'`` for the position code of the published classifiers, ``None`` for that of the
            published dense models.
        out_indices: Blocks whose tokens are returned, from 0; by default the published ones.
        final_downsample: Turn the last output into the stride-32 map of 768 channels.
        num_classes: Outputs of :meth:`classify`; without it there is no classifier.

    Attributes:
        out_channels: Channels of the outputs.

    Raises:
        MMFanError: For an unknown name, a tap out of range, or an arch without published taps and none given.
    """

    def __init__(
        self,
        arch: str | PlainArch = "hybrid_tiny",
        pos_rounding: PosRounding = "floor",
        out_indices: Sequence[int] | None = None,
        final_downsample: bool = False,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        arch = _find_arch(arch)
        depth = len(arch.widths)
        self.out_indices = tuple(arch.taps if out_indices is None else out_indices)
        if not self.out_indices and out_indices is None:
            raise MMFanError(f"This arch of {depth} blocks has no published taps: give out_indices.")
        if any(not 0 <= i < depth for i in self.out_indices):
            raise MMFanError(f"Expected out_indices to be blocks from 0 to {depth - 1}, but got {self.out_indices}.")

        first, last = arch.widths[0], arch.widths[-1]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, last))
        self.patch_embed: nn.Module = (
            HybridPatchEmbed(first, arch.stem_depths) if arch.stem_depths else ConvPatchEmbed(first)
        )
        self.pos_embed = FourierPosition(first, pos_rounding)
        after = (*arch.widths[1:], last)  # the width after each block
        self.blocks = nn.ModuleList(map(PlainBlock, arch.widths, arch.heads, after))
        self.cls_attn_blocks = nn.ModuleList([ClassAttentionBlock(last, arch.heads[-1]) for _ in range(2)])
        self.learnable_downsample = nn.Conv2d(last, DETECTION_WIDTH, 3, 2, 1) if final_downsample else None
        if num_classes is not None:
            self.norm = nn.LayerNorm(last, eps=1e-6)
            self.head = nn.Linear(last, num_classes)

        stem = STEM_WIDTHS if arch.stem_depths else ()
        self.out_channels = (
            *stem,
            *(after[i] for i in self.out_indices),
            DETECTION_WIDTH if final_downsample else last,
        )

    def embed(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """The maps of the stem (hybrids: strides 4 and 8) and the (B, E, H / 16, W / 16) map of tokens with position.

        Raises:
            MMFanError: Where a side of the picture is not a multiple of 16.
        """
        if any(side % STRIDE or not side for side in x.shape[-2:]):
            raise MMFanError(f"Expected sides that are multiples of {STRIDE}, but got {tuple(x.shape[-2:])}.")
        stem, tokens = self.patch_embed(x)
        return stem, tokens + self.pos_embed(tokens)

    def _run(self, x: Tensor) -> tuple[list[Tensor], Tensor, tuple[int, int]]:
        """Outputs but the last, the tokens (B, 1 + N, E) after class attention, and their height and width."""
        outs, tokens = self.embed(x)
        h, w = tokens.shape[-2:]
        tokens = map_to_tokens(tokens)
        for i, block in enumerate(self.blocks):
            tokens, h, w = block(tokens, h, w)
            if i in self.out_indices:
                outs.append(tokens_to_map(tokens, h, w))
        tokens = torch.cat((self.cls_token.expand(len(x), -1, -1), tokens), dim=1)
        for block in self.cls_attn_blocks:
            tokens = block(tokens)
        return outs, tokens, (h, w)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Pictures (B, 3, H, W) to maps (B, C, H / s, W / s).

        A hybrid gives its two stem maps (strides 4 and 8), then the tapped blocks (stride 16), then the patch tokens
        after class attention (stride 16, or 32 with ``final_downsample``); a ViT the same without stem maps.
        """
        outs, tokens, (h, w) = self._run(x)
        final = tokens_to_map(tokens[:, 1:], h, w)
        outs.append(final if self.learnable_downsample is None else self.learnable_downsample(final))
        return tuple(outs)

    def classify(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The normalised class token (B, E) and the class scores (B, num_classes)."""
        cls = self.norm(self._run(x)[1][:, 0])
        return cls, self.head(cls)


class PlainSegformerHead(nn.Module):
    """The head written out: project every level, resize, concatenate, fuse, norm, ReLU, dropout, classify.

    Args:
        in_channels: Channels of the levels, finest first.
        num_classes: Channels of the logits.
        embed_dim: Width of every projection and of the fused map.
        dropout_ratio: Of whole channels, in training.
    """

    def __init__(
        self, in_channels: Sequence[int], num_classes: int = 19, embed_dim: int = 768, dropout_ratio: float = 0.1
    ) -> None:
        super().__init__()
        self.projections = nn.ModuleList([nn.Linear(c, embed_dim) for c in in_channels])
        self.fuse = nn.Conv2d(len(in_channels) * embed_dim, embed_dim, 1, bias=False)
        self.fuse_norm = nn.BatchNorm2d(embed_dim)
        self.dropout = nn.Dropout2d(dropout_ratio)
        self.conv_seg = nn.Conv2d(embed_dim, num_classes, 1)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Maps (B, C_i, H_i, W_i), finest first, to logits (B, num_classes, H_0, W_0)."""
        size = levels[0].shape[-2:]
        maps = []
        for level, projection in zip(levels, self.projections, strict=True):
            y = tokens_to_map(projection(map_to_tokens(level)), *level.shape[-2:])
            maps.append(F.interpolate(y, size=size, mode="bilinear", align_corners=False))
        y = self.fuse(torch.cat(maps[::-1], dim=1))  # published order: coarsest first
        return self.conv_seg(self.dropout(F.relu(self.fuse_norm(y))))


class PlainSegmentor(nn.Module):
    """Backbone and head: pictures (B, 3, H, W) to logits (B, num_classes, H / 4, W / 4), for a ViT at stride 16.

    Args:
        arch: A name of ``PLAIN_ARCHS`` or the numbers themselves.
        num_classes: Channels of the logits.
        embed_dim: Width of the head.
        pos_rounding: See :class:`PlainFAN`.
        out_indices: See :class:`PlainFAN`.
        dropout_ratio: Of the head's channels, in training.
    """

    def __init__(
        self,
        arch: str | PlainArch = "hybrid_tiny",
        num_classes: int = 19,
        embed_dim: int = 768,
        pos_rounding: PosRounding = "floor",
        out_indices: Sequence[int] | None = None,
        dropout_ratio: float = 0.1,
    ) -> None:
        super().__init__()
        self.backbone = PlainFAN(arch, pos_rounding, out_indices)
        self.decode_head = PlainSegformerHead(self.backbone.out_channels, num_classes, embed_dim, dropout_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures to logits."""
        return self.decode_head(self.backbone(x))
