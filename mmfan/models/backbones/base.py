"""What the FAN families share: token blocks with taps, class attention, freezing and the loading of official files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.models.backbones.arch import check_out_indices, check_out_levels
from mmfan.models.checkpoint import load_pretrained
from mmfan.models.layers import ClassAttentionBlock, FANBlock, FourierPosition
from mmfan.models.layers.checkpointing import run
from mmfan.models.layers.convnext import MapNorm
from mmfan.models.layers.drop import drop_path_rates
from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.shapes import to_map, to_tokens

TOKEN_STRIDE = 16
CLASS_BLOCKS = 2
DETECTION_WIDTH = 768  # channels of the stride-32 map that the published detectors use


class Width(NamedTuple):
    """Width and heads of one token block, and the width it ends with if it halves the map."""

    dim: int
    num_heads: int
    out_dim: int | None = None


class FANBackbone(BaseModule):
    """Token blocks behind a patch embedding; a family adds the embedding and its table of sizes.

    A subclass builds ``self.patch_embed``, calls :meth:`build_blocks` and implements :meth:`embed`.

    Attributes:
        out_channels: Channels of each output; a head's or neck's ``in_channels``.
        out_strides: Stride of each output, relative to the picture.
        stride: The sides of a picture must be multiples of this.

    Args:
        drop_path_rate: Probability of stochastic depth.
        drop_path_schedule: ``'constant'``, the published one (every block has the full rate), or ``'linear'``.
        channel_mixer: ``'eca'`` (FAN), ``'xca'``, ``'se'`` or ``'mlp'`` (plain vision transformer); see
            :mod:`mmfan.models.layers.channel_processing`.
        pos_rounding: ``'floor'`` for the position encoding of the ImageNet models, ``None`` for that of the published
            dense-prediction code; see :mod:`mmfan.models.layers.position`.
        final_downsample: End with a 3x3 convolution of stride 2 to a stride-32 map of 768 channels, as the published
            detectors do. FAN-Hybrid XL ends with such a map by itself and gets no convolution.
        out_levels: Which of the outputs to hand on, by position, rising, the last among them; all of them by default.
            ``(1, 2, 3)`` leaves out FAN-Hybrid's stride-4 map, for detectors that start at stride 8.
        out_norm: End each output with a layer norm of its own over the channels, as the follow-ups of FAN do for
            detection; otherwise the outputs are raw, as published. Official files lack these norms: they start fresh.
        frozen_stages: Freeze everything that the first ``frozen_stages`` outputs depend on; 0 freezes the patch
            embedding (its stem, for FAN-Hybrid), -1 nothing. Frozen parts stay in eval mode.
        norm_eval: Keep all batch norms in eval mode.
        with_cp: Recompute activations in the backward pass instead of keeping them.
        norm_cfg: The batch norm to use, e.g. ``dict(type='SyncBN')``.
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE_OR_URL)`` loads an official file as it is (add ``ema=True``
            for its averaged weights, ``prefix='backbone.'`` for a part of a file).

    Raises:
        ValueError: A number is out of range; the message names it and the legal values.
    """

    init_cfg: Any

    def __init__(
        self,
        *,
        drop_path_rate: float = 0.0,
        drop_path_schedule: str = "constant",
        channel_mixer: str = "eca",
        pos_rounding: str | None = "floor",
        final_downsample: bool = False,
        out_levels: Sequence[int] | None = None,
        out_norm: bool = False,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.drop_path_rate = drop_path_rate
        self.drop_path_schedule = drop_path_schedule
        self.channel_mixer = channel_mixer
        self.pos_rounding = pos_rounding
        self.final_downsample = final_downsample
        self.out_norm = out_norm
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp
        self.norm_cfg = norm_cfg or {"type": "BN"}
        self._wanted_levels = out_levels
        self.out_levels: tuple[int, ...] = ()
        self.stride = TOKEN_STRIDE
        self.out_channels: tuple[int, ...] = ()
        self.out_strides: tuple[int, ...] = ()

    def norm_layer(self) -> NormLayer:
        """The builder of batch norms that ``norm_cfg`` describes."""
        return lambda channels: build_norm_layer(self.norm_cfg, channels)[1]

    def build_blocks(self, widths: Sequence[Width], out_indices: Sequence[int]) -> None:
        """Build everything behind the patch embedding and work out channels and strides of the outputs."""
        self.out_indices = check_out_indices(out_indices, len(widths))
        first, last = widths[0], widths[-1]
        rates = drop_path_rates(self.drop_path_rate, len(widths), self.drop_path_schedule)
        self.pos_embed = FourierPosition(first.dim, self.pos_rounding)
        self.blocks = nn.ModuleList(
            FANBlock(width.dim, width.num_heads, self.channel_mixer, rate, self.norm_layer(), width.out_dim)
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
        self._choose_levels(
            (*self.out_channels, *(channels[i] for i in self.out_indices), final[0]),
            (*self.out_strides, *(strides[i] for i in self.out_indices), final[1]),
        )
        # The dense outputs do not depend on these. They stay loadable, but neither the optimiser nor DDP sees them.
        for parameter in self.unused_in_dense():
            parameter.requires_grad_(False)
        self._freeze()

    def _choose_levels(self, channels: tuple[int, ...], strides: tuple[int, ...]) -> None:
        """Settle which outputs are handed on, with their norms, from the channels and strides of all of them."""
        self.out_levels = check_out_levels(self._wanted_levels, len(channels))
        self.out_channels = tuple(channels[level] for level in self.out_levels)
        self.out_strides = tuple(strides[level] for level in self.out_levels)
        if self.out_norm:
            for level in self.out_levels:
                self.add_module(f"out_norm{level}", MapNorm(channels[level], eps=1e-6))

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
        if self.out_norm:
            return tuple(self.get_submodule(f"out_norm{level}")(outputs[level]) for level in self.out_levels)
        return tuple(outputs[level] for level in self.out_levels)

    def class_token(self, x: Tensor) -> Tensor:
        """The class token after the class-attention blocks, ``(B, E)``; ``x`` as in :meth:`forward`."""
        _, tokens, _ = self._through_blocks(x)
        tokens = torch.cat((self.cls_token.expand(tokens.shape[0], -1, -1), tokens), dim=1)
        for block in self.cls_attn_blocks:
            tokens = block(tokens)
        return tokens[:, 0]

    def _through_blocks(self, x: Tensor) -> tuple[list[Tensor], Tensor, tuple[int, int]]:
        self._check_input(x)
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

    def _check_input(self, x: Tensor) -> None:
        if x.ndim != 4 or x.shape[1] != 3 or x.shape[0] == 0:
            raise ValueError(f"Expected a batch of pictures of shape (B >= 1, 3, H, W), got {tuple(x.shape)}.")
        height, width = x.shape[2:]
        if not height or not width or height % self.stride or width % self.stride:
            raise ValueError(
                f"Expected both sides of the picture to be multiples of {self.stride}, got {height} x {width} (H x W). "
                f"Crop to such a size, or let the data preprocessor pad: size_divisor={self.stride} (mmseg: in its "
                "test_cfg, or `size` for training crops) or pad_size_divisor (mmdet)."
            )

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

    def _frozen_parts(self) -> Iterator[nn.Module]:
        for part in self.stages()[: self.frozen_stages + 1]:
            yield from part

    def _freeze(self) -> None:
        most = len(self.stages()) - 1
        if not -1 <= self.frozen_stages <= most:
            raise ValueError(
                f"Expected frozen_stages from -1 (nothing) to {most} (everything), got {self.frozen_stages}."
            )
        for part in self._frozen_parts():
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> FANBackbone:
        """Switch to training or eval mode; frozen parts, and batch norms under ``norm_eval``, stay in eval mode."""
        super().train(mode)
        if mode:
            for part in self._frozen_parts():
                part.eval()
            if self.norm_eval:
                for module in self.modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        return self

    def init_weights(self) -> None:
        """Load the official file that ``init_cfg`` names, or leave the published initialisation in place.

        Raises:
            CheckpointError: The file does not hold the weights of this architecture; nothing is loaded then.
        """
        configs = [self.init_cfg] if isinstance(self.init_cfg, dict) else list(self.init_cfg or [])
        pretrained = [cfg for cfg in configs if cfg["type"] == "Pretrained"]
        kept, self.init_cfg = self.init_cfg, [cfg for cfg in configs if cfg["type"] != "Pretrained"]
        super().init_weights()
        self.init_cfg = kept
        for cfg in pretrained:
            load_pretrained(self, **{key: value for key, value in cfg.items() if key != "type"})
