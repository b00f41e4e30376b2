"""AlterNet: a pre-activation ResNet whose stages end in blocks of self-attention.

Paper: How Do Vision Transformers Work?, Park and Kim, ICLR 2022, arXiv 2202.06709, section 4. Its rule: from the end of
a ResNet backwards, replace every other block by self-attention (MSA); where that does not help, go on at the end of the
stage before. So a layout follows from two numbers a stage, the blocks and the MSA blocks among them, and the paper's
build-up from ResNet to AlterNet is an ablation of ``num_msa`` alone. The paper classifies; here it is a pyramid, with
the norm and ReLU that the classifier had before its pooling on every output. No ImageNet weights were published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmfan.errors import MMFanError
from mmfan.models.backbones.arch import per_stage, resolve_arch
from mmfan.models.backbones.dense_backbone import DenseBackbone
from mmfan.models.layers.alternet_block import ConvBlock, MSABlock
from mmfan.models.layers.checkpointing import run
from mmfan.models.layers.drop import drop_path_rates
from mmfan.models.layers.init import init_fan_weights
from mmfan.registry import MODELS

STAGES = 4
STEM_WIDTH = 64
NUM_HEADS = (3, 6, 12, 24)
NUMBERS = ("depths", "expansion")
OPTIONAL = ("num_heads", "window", "stem_width")
# Stage 4 has 4 blocks, not the 3 of a ResNet, so that it can alternate. Expansion 1: basic blocks; 4: bottlenecks.
ARCHS: dict[str, dict[str, Any]] = {
    "18": {"depths": (2, 2, 2, 2), "expansion": 1},
    "34": {"depths": (3, 4, 6, 4), "expansion": 1},
    "50": {"depths": (3, 4, 6, 4), "expansion": 4},
    "101": {"depths": (3, 4, 23, 4), "expansion": 4},
    "152": {"depths": (3, 8, 36, 4), "expansion": 4},
}
# The layouts for large data. For CIFAR-100 the paper draws (0, 1, 1, 2) with the depths of 50.
NUM_MSA = {"18": (0, 1, 1, 1), "34": (0, 1, 3, 2), "50": (0, 1, 3, 2), "101": (0, 1, 3, 2), "152": (0, 1, 3, 2)}


def stage_layout(depth: int, num_msa: int) -> str:
    """The kinds of the blocks of a stage: C for convolution, M for MSA; the last ``2 * num_msa`` alternate.

    Args:
        depth: Blocks of the stage.
        num_msa: MSA blocks among them, at most half.

    Raises:
        MMFanError: There are too many.

    >>> stage_layout(6, 2)
    'CCCMCM'
    """
    if not isinstance(num_msa, int) or not 0 <= 2 * num_msa <= depth:
        raise MMFanError(
            f"Expected num_msa of a stage of {depth} blocks from 0 to {depth // 2} (every MSA block follows a "
            f"convolutional one), got {num_msa!r}."
        )
    return "C" * (depth - 2 * num_msa) + "CM" * num_msa


@MODELS.register_module()
class AlterNet(DenseBackbone):
    """AlterNet backbone: four stages at strides ``(4, 8, 16, 32)``; sides are rounded up, any size will do.

    Channels are ``(64, 128, 256, 512)`` times the expansion: 1 for 18 and 34, 4 for the others.

    Attributes:
        layout: The kinds of all blocks, ``'CCC / CCCM / CMCMCM / CMCM'`` for 50.

    Args:
        arch: ``18``, ``34``, ``50``, ``101``, ``152`` (number or string), or a dict with ``depths`` (blocks of the four
            stages) and ``expansion`` (1: basic blocks, more: bottlenecks), and perhaps ``num_heads`` (four numbers,
            heads of 64 channels, 3, 6, 12, 24 in the paper), ``window`` (side of the attention's windows, 7 in the
            paper) and ``stem_width`` (64).
        num_msa: MSA blocks of each stage; by default those of the paper. A dict ``arch`` needs it. ``(0, 0, 0, 0)`` is
            a pre-activation ResNet.
        out_indices: Stages to hand on, from 0, rising, the last among them; all of them by default.
        drop_path_rate: Probability of stochastic depth.
        drop_path_schedule: ``'linear'`` as published, over all blocks, or ``'constant'``.
        out_norm: End each output with a batch norm and ReLU of its own; otherwise the outputs are raw sums.
        kwargs: ``frozen_stages``, ``norm_eval``, ``with_cp``, ``recompute``, ``norm_cfg``, ``init_cfg``; see
            :class:`~mmfan.models.backbones.dense_backbone.DenseBackbone`.

    Raises:
        MMFanError: A wrong name, missing or unknown numbers, more MSA blocks than fit, a stage out of range.
    """

    def __init__(
        self,
        arch: str | int | Mapping[str, Any] = "50",
        num_msa: Sequence[int] | None = None,
        out_indices: Sequence[int] | None = None,
        drop_path_rate: float = 0.0,
        drop_path_schedule: str = "linear",
        out_norm: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(out_norm=out_norm, **kwargs)
        name = str(arch) if isinstance(arch, int) else arch
        numbers = resolve_arch(name, ARCHS, NUMBERS, OPTIONAL)
        if num_msa is None:
            if not isinstance(name, str):
                raise MMFanError("Expected num_msa, the MSA blocks of each stage, beside an arch given as a dict.")
            num_msa = NUM_MSA[name]
        depths = per_stage(numbers["depths"], "arch['depths']")
        layouts = [stage_layout(*pair) for pair in zip(depths, per_stage(num_msa, "num_msa"), strict=True)]
        self.layout = " / ".join(layouts)
        heads = per_stage(numbers.get("num_heads", NUM_HEADS), "arch['num_heads']")
        width, expansion, window = numbers.get("stem_width", STEM_WIDTH), numbers["expansion"], numbers.get("window", 7)
        # no norm and no activation: the first block begins with them
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        rates = iter(drop_path_rates(drop_path_rate, sum(depths), drop_path_schedule))
        channels = width
        stages = []
        for stage, layout in enumerate(layouts):
            inner = width * 2**stage
            blocks: list[nn.Module] = []
            for index, kind in enumerate(layout):
                stride = 2 if stage > 0 and index == 0 else 1
                if kind == "C":
                    blocks.append(ConvBlock(channels, inner, expansion, stride, next(rates), self.norm_layer()))
                else:
                    blocks.append(MSABlock(channels, inner, heads[stage], window, next(rates), self.norm_layer()))
                channels = inner * expansion
            stages.append(nn.ModuleList(blocks))
        self.layers = nn.ModuleList(stages)
        outputs = [width * 2**stage * expansion for stage in range(STAGES)]
        self.choose_levels(out_indices, outputs, [4 * 2**stage for stage in range(STAGES)], "out_indices")
        init_fan_weights(self)
        self.finish()

    def out_norm_layer(self, channels: int) -> nn.Module:
        """What the paper has before its pooling: a batch norm and ReLU."""
        return nn.Sequential(self.norm_layer()(channels), nn.ReLU())

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The feature maps of a batch of pictures.

        Args:
            x: ``(B, 3, H, W)``, normalised, of any size.

        Returns:
            One map ``(B, out_channels[i], H / out_strides[i], W / out_strides[i])`` for each stage in
            ``out_indices``, sides rounded up.

        Raises:
            MMFanError: The batch is empty or not ``(B, 3, H, W)``.
        """
        x = self.check_input(x)
        x = self.stem(x)
        outputs = []
        for stage in self.layers:
            for block in stage.children():
                x = run(block, x, with_cp=self.with_cp)
            outputs.append(x)
        return self.hand_on(outputs)

    def stages(self) -> list[list[nn.Module]]:
        """The stem, then each stage with the norm of its output."""
        parts: list[list[nn.Module]] = [[self.stem]]
        for level, stage in enumerate(self.layers):
            norms = [self.get_submodule(f"out_norm{level}")] if self.out_norm and level in self.out_levels else []
            parts.append([stage, *norms])
        return parts
