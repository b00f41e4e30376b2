"""FAN-Swin: windowed attention with FAN's channel processing, a pyramid of strides 4 to 32.

Papers: Understanding The Robustness in Vision Transformers, arXiv 2204.12451 (table 7), and Swin Transformer, arXiv
2103.14030. Written from the papers and from published facts (sizes, key names, shapes). Official files, the masks and
indices of their 224 x 224 pictures included, load as they are; here pictures may have any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from torch import Tensor, nn

from mmfan.models.backbones.arch import per_stage, resolve_arch
from mmfan.models.backbones.dense_backbone import DenseBackbone
from mmfan.models.layers.checkpointing import run
from mmfan.models.layers.drop import drop_path_rates
from mmfan.models.layers.init import init_fan_weights
from mmfan.models.layers.swin_block import PatchMerging, SwinBlock, SwinPatchEmbed
from mmfan.models.layers.token_map import to_map
from mmfan.registry import MODELS

NUMBERS = ("embed_dims", "depths", "num_heads")
STAGES = 4
WINDOW = 7
PUBLISHED_SIDE = 224  # of the ImageNet pictures; their masks are part of the published files
ARCHS: dict[str, dict[str, Any]] = {
    "tiny": {"embed_dims": 96, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24)},
    "small": {"embed_dims": 96, "depths": (2, 2, 18, 2), "num_heads": (3, 6, 12, 24)},
    "base": {"embed_dims": 128, "depths": (2, 2, 18, 2), "num_heads": (4, 8, 16, 32)},
    "large": {"embed_dims": 192, "depths": (2, 2, 18, 2), "num_heads": (6, 12, 24, 48)},
}


class SwinStage(nn.Module):
    """Blocks with plain and shifted windows in turn, and the merging of patches that leads to the next stage.

    Args:
        blocks: The blocks.
        dim: Their width.
        last: Whether no stage follows.
    """

    def __init__(self, blocks: Sequence[SwinBlock], dim: int, last: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = None if last else PatchMerging(dim)

    def forward(self, x: Tensor, size: tuple[int, int], with_cp: bool = False) -> Tensor:
        """Through the blocks, not the merging: ``(B, H*W, C)`` and ``size = (H, W)`` to the same shape."""
        for block in self.blocks:
            x, _ = run(block, x, size, with_cp=with_cp)
        return x


def stored_size(stage: int, window: int) -> tuple[int, int] | None:
    """The map of a 224 x 224 picture in a stage (0 to 3), if published files would hold its mask.

    >>> [stored_size(stage, 7) for stage in range(4)]
    [(56, 56), (28, 28), (14, 14), None]
    """
    side = PUBLISHED_SIDE // SwinPatchEmbed.STRIDE // 2**stage
    return (side, side) if side > window and side % window == 0 else None


@MODELS.register_module()
class FANSwin(DenseBackbone):
    """FAN-Swin backbone: the outputs of its four stages, ``(E, 2 E, 4 E, 8 E)`` channels at strides ``(4, 8, 16, 32)``.

    The first three stages have FAN's channel processing, the last a plain MLP. Sides of a map are rounded up, so an
    output of stride s of a picture H x W has about ``H / s`` rows.

    Args:
        arch: ``'tiny'``, ``'small'``, ``'base'``, ``'large'``, or a dict with ``embed_dims`` E, ``depths`` and
            ``num_heads`` of the four stages, and perhaps ``window`` (7 in every published size).
        out_indices: Stages to hand on, from 0, rising, the last among them; all of them by default.
        channel_mixer: Of the first three stages: ``'eca'`` (FAN), ``'xca'``, ``'se'`` or ``'mlp'`` (plain Swin).
        drop_path_rate: Probability of stochastic depth.
        drop_path_schedule: ``'linear'`` as published (from 0 in the first block to the rate in the last), or
            ``'constant'``.
        out_norm: End each output with a layer norm of its own, as mmsegmentation's Swin does; otherwise the outputs
            are the raw sums of their stages. Official files lack these norms: they start fresh.
        kwargs: ``frozen_stages``, ``norm_eval``, ``with_cp``, ``recompute``, ``norm_cfg``, ``init_cfg``; see
            :class:`~mmfan.models.backbones.dense_backbone.DenseBackbone`.

    Raises:
        ValueError: A wrong name, missing or unknown numbers, heads that do not divide the width, a stage out of range.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any] = "tiny",
        out_indices: Sequence[int] | None = None,
        channel_mixer: str = "eca",
        drop_path_rate: float = 0.0,
        drop_path_schedule: str = "linear",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        numbers = resolve_arch(arch, ARCHS, NUMBERS, ("window",))
        depths, heads = (per_stage(numbers[name], f"arch[{name!r}]") for name in ("depths", "num_heads"))
        window = numbers.get("window", WINDOW)
        dims = [numbers["embed_dims"] * 2**stage for stage in range(STAGES)]
        rates = drop_path_rates(drop_path_rate, sum(depths), drop_path_schedule)
        self.patch_embed = SwinPatchEmbed(dims[0])
        stages = []
        for stage, (dim, depth) in enumerate(zip(dims, depths, strict=True)):
            last = stage == STAGES - 1
            blocks = []
            for index in range(depth):
                shifted = index % 2 == 1
                size = stored_size(stage, window) if shifted else None
                mixer = "mlp" if last else channel_mixer
                rate = rates[sum(depths[:stage]) + index]
                block = SwinBlock(dim, heads[stage], window, shifted, mixer, rate, self.norm_layer(), size)
                blocks.append(block)
            stages.append(SwinStage(blocks, dim, last))
        self.layers = nn.ModuleList(stages)
        self.choose_levels(out_indices, dims, [4 * 2**stage for stage in range(STAGES)], "out_indices")
        init_fan_weights(self)
        self.finish()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The feature maps of a batch of pictures.

        Args:
            x: ``(B, 3, H, W)``, normalised, of any size.

        Returns:
            One map ``(B, out_channels[i], H_i, W_i)`` for each stage in ``out_indices``: the sides are a quarter of
            the picture's, rounded up, then half of the stage's before, rounded up.

        Raises:
            ValueError: The batch is empty or not ``(B, 3, H, W)``.
        """
        x = self.check_input(x)
        tokens, size = self.patch_embed(x)
        outputs = []
        for stage in self._swin_stages():
            tokens = stage(tokens, size, self.with_cp)
            outputs.append(to_map(tokens, size))
            if stage.downsample is not None:
                tokens, size = stage.downsample(tokens, size)
        return self.hand_on(outputs)

    def stages(self) -> list[list[nn.Module]]:
        """The patch embedding, then what each stage adds: the merging before it, its blocks, its norm."""
        parts: list[list[nn.Module]] = [[self.patch_embed]]
        merging: list[nn.Module] = []
        for level, stage in enumerate(self._swin_stages()):
            norms = [self.get_submodule(f"out_norm{level}")] if self.out_norm and level in self.out_levels else []
            parts.append([*merging, stage.blocks, *norms])
            merging = [] if stage.downsample is None else [stage.downsample]
        return parts

    def _swin_stages(self) -> list[SwinStage]:
        return cast("list[SwinStage]", list(self.layers))
