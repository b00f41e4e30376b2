"""Base class of all backbones: outputs handed on, freezing, the check of the input, loading of official files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.errors import MMFanError
from mmfan.models.backbones.arch import check_out_levels
from mmfan.models.layers.checkpointing import choose_recompute, recompute_light_steps
from mmfan.models.layers.convnext import MapNorm
from mmfan.models.layers.patch_embed import NormLayer
from mmfan.models.layers.recording import in_multiples
from mmfan.models.official_weights import load_pretrained
from mmfan.utils.type_names import package_and_name


def is_pretrained(plan: Mapping[str, Any]) -> bool:
    """Whether an entry of ``init_cfg`` loads a file of weights; the class of ``'Pretrained'`` is PretrainedInit."""
    return package_and_name(plan.get("type"))[1] in ("Pretrained", "PretrainedInit")


class DenseBackbone(BaseModule):
    """A backbone that hands feature maps to a dense head.

    A subclass builds its layers, then calls :meth:`choose_levels`, implements :meth:`stages` and ends its ``__init__``
    with :meth:`finish`; its ``forward`` begins with :meth:`check_input` and ends with :meth:`hand_on`.

    Attributes:
        out_channels: Channels of each output; a head's or neck's ``in_channels``.
        out_strides: Stride of each output, relative to the picture.
        stride: The sides of a picture must be multiples of this; 1 where any size will do.

    Args:
        out_norm: End each output with a norm of its own.
        frozen_stages: Freeze everything that the first ``frozen_stages`` outputs depend on; 0 freezes the patch
            embedding (its stem, if it has several parts), -1 nothing. Frozen parts stay in eval mode.
        norm_eval: Keep all batch norms in eval mode.
        with_cp: OpenMMLab's word for ``recompute='full'``.
        recompute: What the backward pass computes again instead of keeping it: ``'none'``; ``'light'``, the default,
            the steps that cost little beside the maps they would keep (FAN's gate and norm, the MLPs of FAN-Hybrid's
            ConvNeXt blocks); ``'full'``, whole blocks.
        norm_cfg: The batch norm to use, e.g. ``dict(type='SyncBN')``.
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE_OR_URL)`` loads an official file as it is (add ``ema=True``
            for its averaged weights, ``prefix='backbone.'`` for a part of a file).
    """

    init_cfg: Any

    def __init__(
        self,
        *,
        out_norm: bool = False,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        recompute: str | None = None,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_norm = out_norm
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.recompute = choose_recompute(recompute, with_cp)
        self.with_cp = self.recompute == "full"
        self.norm_cfg = norm_cfg or {"type": "BN"}
        self.stride = 1
        self.out_levels: tuple[int, ...] = ()
        self.out_channels: tuple[int, ...] = ()
        self.out_strides: tuple[int, ...] = ()

    def norm_layer(self) -> NormLayer:
        """The builder of batch norms that ``norm_cfg`` describes."""
        return lambda channels: build_norm_layer(self.norm_cfg, channels)[1]

    def out_norm_layer(self, channels: int) -> nn.Module:
        """The norm that ends an output of so many channels, when ``out_norm`` asks for one."""
        return MapNorm(channels, eps=1e-6)

    def choose_levels(
        self, wanted: Sequence[int] | None, channels: Sequence[int], strides: Sequence[int], name: str = "out_levels"
    ) -> None:
        """Settle which outputs are handed on, with their norms.

        Args:
            wanted: Their positions; all outputs if None.
            channels: Channels of every output.
            strides: Their strides.
            name: What the argument behind ``wanted`` is called, for messages.
        """
        self.out_levels = check_out_levels(wanted, len(channels), name)
        self.out_channels = tuple(channels[level] for level in self.out_levels)
        self.out_strides = tuple(strides[level] for level in self.out_levels)
        if self.out_norm:
            for level in self.out_levels:
                self.add_module(f"out_norm{level}", self.out_norm_layer(channels[level]))

    def hand_on(self, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Of all outputs the wanted ones, normed where that is asked for, laid out as ``(B, C, H, W)`` in memory.

        Inside a backbone maps are channels-last. They must not leave it so: mmcv's compiled operators, RoIAlign for
        one, read a map's memory in the order of its axes, whatever its strides are, and give noise without an error.
        """
        chosen = (outputs[level] for level in self.out_levels)
        if self.out_norm:
            norms = (self.get_submodule(f"out_norm{level}") for level in self.out_levels)
            chosen = (norm(x) for norm, x in zip(norms, chosen, strict=True))
        return tuple(x.contiguous() for x in chosen)

    def unused_in_dense(self) -> Iterator[nn.Parameter]:
        """Parameters that no output depends on: they get no gradient and are not optimised."""
        yield from ()

    def check_input(self, x: Tensor) -> Tensor:
        """``x``; raise ValueError unless it is a batch of pictures of a size that the backbone can take."""
        if x.ndim != 4 or x.shape[1] != 3 or x.shape[0] == 0:
            raise MMFanError(f"Expected a batch of pictures of shape (B >= 1, 3, H, W), got {tuple(x.shape)}.")
        height, width = x.shape[2:]
        if not height or not width or height % self.stride or width % self.stride:
            raise MMFanError(
                f"Expected both sides of the picture to be multiples of {self.stride}, got {height} x {width} (H x W). "
                f"Crop to such a size, or let the data preprocessor pad: size_divisor={self.stride} (mmseg: in its "
                "test_cfg, or `size` for training crops) or pad_size_divisor (mmdet)."
            )
        return in_multiples(x, self.stride) if self.stride > 1 and torch.jit.is_tracing() else x

    @abstractmethod
    def stages(self) -> list[list[nn.Module]]:
        """The parts of the backbone by the output that first needs them; entry 0 is the stem."""

    def _frozen_parts(self) -> Iterator[nn.Module]:
        for part in self.stages()[: self.frozen_stages + 1]:
            yield from part

    def finish(self) -> None:
        """What needs all layers: the choice of what is recomputed, and :meth:`freeze`."""
        recompute_light_steps(self, self.recompute != "none")
        self.freeze()

    def freeze(self) -> None:
        """Stop the learning of what ``frozen_stages`` names and of what no output depends on.

        Raises:
            MMFanError: ``frozen_stages`` is out of range.
        """
        # These stay loadable, but neither the optimiser nor DDP sees them.
        for parameter in self.unused_in_dense():
            parameter.requires_grad_(False)
        most = len(self.stages()) - 1
        if not -1 <= self.frozen_stages <= most:
            raise MMFanError(
                f"Expected frozen_stages from -1 (nothing) to {most} (everything), got {self.frozen_stages}."
            )
        for part in self._frozen_parts():
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> DenseBackbone:
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
        pretrained = [cfg for cfg in configs if is_pretrained(cfg)]
        kept, self.init_cfg = self.init_cfg, [cfg for cfg in configs if not is_pretrained(cfg)]
        super().init_weights()
        self.init_cfg = kept
        for cfg in pretrained:
            load_pretrained(self, **{key: value for key, value in cfg.items() if key != "type"})
