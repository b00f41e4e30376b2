"""Base class of FAN-ViT and FAN-Hybrid: token blocks with taps, and class attention."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from mmfan.models.backbones.arch import check_out_indices
from mmfan.models.backbones.dense_backbone import DenseBackbone
from mmfan.models.layers import ClassAttentionBlock, FANBlock, FourierPosition
from mmfan.models.layers.checkpointing import run
from mmfan.models.layers.drop import drop_path_rates
from mmfan.models.layers.token_map import to_map, to_tokens
from mmfan.utils.checks import whole_number

TOKEN_STRIDE = 16
CLASS_BLOCKS = 2
DETECTION_WIDTH = 768  # channels of the stride-32 map that the published detectors use


class Width(NamedTuple):
    """Width and heads of one token block, and the width it ends with if it halves the map."""

    dim: int
    num_heads: int
    out_dim: int | None = None


class FANBackbone(DenseBackbone):
    """Token blocks behind a patch embedding; a family adds the embedding and its table of sizes.

    A subclass builds ``self.patch_embed``, calls :meth:`build_blocks` and implements :meth:`embed`.

    Args:
        drop_path_rate: Probability of stochastic depth.
        drop_path_schedule: ``'constant'``, the published one (every block has the full rate), or ``'linear'``.
        channel_mixer: ``'eca'`` (FAN), ``'xca'``, ``'se'`` or ``'mlp'`` (plain vision transformer); see
            :mod:`mmfan.models.layers.channel_processing`.
        token_pooling: Number of poolings that each token chooses from before it attends (TAP, ICCV 2023: 4); 0 for FAN.
        pos_rounding: ``'floor'`` for the position encoding of the ImageNet models, ``None`` for that of the published
            dense-prediction code; see :mod:`mmfan.models.layers.position`.
        final_downsample: End with a 3x3 convolution of stride 2 to a stride-32 map of 768 channels, as the published
            detectors do. FAN-Hybrid XL ends with such a map by itself and gets no convolution.
        out_levels: Which of the outputs to hand on, by position, rising, the last among them; all of them by default.
            ``(1, 2, 3)`` leaves out FAN-Hybrid's stride-4 map, for detectors that start at stride 8.
        out_norm: End each output with a layer norm of its own over the channels, as the follow-ups of FAN do for
            detection; otherwise the outputs are raw, as published. Official files lack these norms: they start fresh.
        kwargs: ``frozen_stages``, ``norm_eval``, ``with_cp``, ``recompute``, ``norm_cfg``, ``init_cfg``; see
            :class:`~mmfan.models.backbones.dense_backbone.DenseBackbone`.

    Raises:
        ValueError: A number is out of range; the message names it and the legal values.
    """

    def __init__(
        self,
        *,
        drop_path_rate: float = 0.0,
        drop_path_schedule: str = "constant",
        channel_mixer: str = "eca",
        token_pooling: int = 0,
        pos_rounding: str | None = "floor",
        final_downsample: bool = False,
        out_levels: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate
        self.drop_path_schedule = drop_path_schedule
        self.channel_mixer = channel_mixer
        self.token_pooling = whole_number("token_pooling", token_pooling, 0)
        self.pos_rounding = pos_rounding
        self.final_downsample = final_downsample
        self._wanted_levels = out_levels
        self.stride = TOKEN_STRIDE

    def build_blocks(self, widths: Sequence[Width], out_indices: Sequence[int]) -> None:
        """Build everything behind the patch embedding and work out channels and strides of the outputs."""
        self.out_indices = check_out_indices(out_indices, len(widths))
        first, last = widths[0], widths[-1]
        rates = drop_path_rates(self.drop_path_rate, len(widths), self.drop_path_schedule)
        self.pos_embed = FourierPosition(first.dim, self.pos_rounding)
        self.blocks = nn.ModuleList(
            FANBlock(
                width.dim,
                width.num_heads,
                self.channel_mixer,
                rate,
                self.norm_layer(),
                width.out_dim,
                token_pooling=self.token_pooling,
            )
            for width, rate in zip(widths, rates, strict=True)
        )
        self.cls_token = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, 1, last.dim), std=0.02))
        self.cls_attn_blocks = nn.ModuleList(ClassAttentionBlock(last.dim, last.num_heads) for _ in range(CLASS_BLOCKS))
        channels, strides, stride = [], [], TOKEN_STRIDE
        for width in widths:
            stride *= 2 if width.out_dim else 1
            channels.append(width.out_dim or width.dim)
            strides.append(stride)
        self.learnable_downsample: nn.Conv2d | None = None
        final = (channels[-1], stride)
        if self.final_downsample and stride == TOKEN_STRIDE:
            self.learnable_downsample = nn.Conv2d(last.dim, DETECTION_WIDTH, kernel_size=3, stride=2, padding=1)
            final = (DETECTION_WIDTH, 2 * stride)
        self.stride = final[1]
        self.choose_levels(
            self._wanted_levels,
            (*self.out_channels, *(channels[i] for i in self.out_indices), final[0]),
            (*self.out_strides, *(strides[i] for i in self.out_indices), final[1]),
        )
        self.finish()

    def unused_in_dense(self) -> Iterator[nn.Parameter]:
        """Parameters that only the class token reads: they get no gradient and are not optimised."""
        yield self.cls_token
        for block in self._class_blocks():
            yield from block.unused_in_dense()

    @abstractmethod
    def embed(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``(B, 3, H, W)`` to the map that the tokens are made of, and the outputs that come before them."""

    @abstractmethod
    def embedding_stages(self) -> list[list[nn.Module]]:
        """The parts of the patch embedding: first the stem, then what each early output adds, then the rest."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The feature maps of a batch of pictures.

        Args:
            x: ``(B, 3, H, W)``, normalised; sides multiples of ``self.stride`` (32 with a stride-32 output, else 16).

        Returns:
            One map ``(B, out_channels[i], H / out_strides[i], W / out_strides[i])`` for each output: the early maps
            (FAN-Hybrid), the tapped blocks, then the patch tokens after class attention; those in ``out_levels``.

        Raises:
            ValueError: The batch is empty or not ``(B, 3, H, W)``, or a side is not a multiple of the stride.
        """
        outputs, tokens, size = self._through_blocks(x)
        for block in self._class_blocks():
            tokens = block.dense(tokens)
        final = to_map(tokens, size)
        if self.learnable_downsample is not None:
            final = self.learnable_downsample(final)
        outputs.append(final)
        return self.hand_on(outputs)

    def class_token(self, x: Tensor) -> Tensor:
        """The class token after the class-attention blocks, ``(B, E)``; ``x`` as in :meth:`forward`."""
        return self.all_tokens(x)[:, 0]

    def all_tokens(self, x: Tensor) -> Tensor:
        """The class token and the patch tokens behind it, after the class-attention blocks, ``(B, 1 + N, E)``."""
        _, tokens, _ = self._through_blocks(x)
        tokens = torch.cat((self.cls_token.expand(tokens.shape[0], -1, -1), tokens), dim=1)
        for block in self.cls_attn_blocks:
            tokens = block(tokens)
        return tokens

    def _through_blocks(self, x: Tensor) -> tuple[list[Tensor], Tensor, tuple[int, int]]:
        x = self.check_input(x)
        features, outputs = self.embed(x)
        size = (features.shape[2], features.shape[3])
        tokens = to_tokens(features) + self.pos_embed(size)
        for index, block in enumerate(self.blocks):
            tokens, size = run(block, tokens, size, with_cp=self.with_cp)
            if index in self.out_indices:
                outputs.append(to_map(tokens, size))
        return outputs, tokens, size

    def _class_blocks(self) -> list[ClassAttentionBlock]:
        return cast("list[ClassAttentionBlock]", list(self.cls_attn_blocks))

    def stages(self) -> list[list[nn.Module]]:
        """The parts of the backbone by the output that first needs them; entry 0 is the stem of the patch embedding."""
        parts = self.embedding_stages()
        rest = parts.pop() if len(parts) > 1 else []
        start = 0
        for index in self.out_indices:
            parts.append([*rest, *self.blocks[start : index + 1]])
            rest, start = [], index + 1
        parts.append([*rest, *self.blocks[start:], self.cls_attn_blocks])
        if self.learnable_downsample is not None:
            parts[-1].append(self.learnable_downsample)
        if self.out_norm:
            for level in self.out_levels:
                parts[level + 1].append(self.get_submodule(f"out_norm{level}"))
        return parts
