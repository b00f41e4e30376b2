"""A frozen backbone whose outputs are the features of its blocks: what a linear probe is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from mmengine.registry import MODELS as ROOT_MODELS
from torch import Tensor

from mmfan.errors import ConfigError
from mmfan.models.block_features import BlockReader, Last, last_blocks, list_blocks, named_blocks
from mmfan.models.taps import Tap
from mmfan.registry import MODELS


@MODELS.register_module()
class FrozenBlocks(BaseModule):
    """The normalised features of the last blocks of any backbone, none of whose weights or statistics change.

    The backbone has no gradient and stays in eval mode, whatever the model around it is in: batch norms keep their
    statistics, stochastic depth and dropout are off. So its weights must come from somewhere: name a file in the
    *inner* ``init_cfg``.

    Attributes:
        out_channels: Channels of each output, by depth; a head's ``in_channels``.
        out_strides: Stride of each.

    Args:
        backbone: Config of the backbone: FAN, FAN-Hybrid, MiT, Swin, ResNet, or another whose blocks are found
            (:func:`mmfan.models.block_features.list_blocks`).
        last: How many of the last blocks are handed on, or ``'all'``.
        blocks: Their names instead, ``blocks.3.channel``, ``layer2.0``, ...; an unknown one is answered with all.
        normalise: Bring the features to mean 0 and variance 1 over the channels, at every position.
        init_cfg: Of this module itself; leave it out.

    Raises:
        ConfigError: ``backbone`` is no config.
        MMFanError: There are not so many blocks, or none of a name; when the blocks are first asked for.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        last: Last = 4,
        blocks: Sequence[str] | None = None,
        normalise: bool = True,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        if not isinstance(backbone, dict) or "type" not in backbone:
            raise ConfigError(f"Expected the config of a backbone, a dict with `type`, got {backbone!r:.100}.")
        self.backbone = ROOT_MODELS.build(backbone)
        self.backbone.requires_grad_(False)
        self.last, self.names, self.normalise = last, blocks, normalise
        self._blocks: list[Tap] | None = None
        self.train(self.training)

    @property
    def blocks(self) -> list[Tap]:
        """The blocks that are handed on, by depth."""
        if self._blocks is None:
            found = list_blocks(self)
            self._blocks = last_blocks(found, self.last) if self.names is None else named_blocks(found, self.names)
        return self._blocks

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of each output."""
        return tuple(tap.width for tap in self.blocks)

    @property
    def out_strides(self) -> tuple[int, ...]:
        """Stride of each output, relative to the picture."""
        return tuple(tap.stride for tap in self.blocks)

    @property
    def stride(self) -> int:
        """Of what the sides of a picture must be multiples; 1 where any size will do."""
        return int(getattr(self.backbone, "stride", 1))

    def train(self, mode: bool = True) -> FrozenBlocks:
        """The mode of this module; the backbone stays in eval mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """``(B, 3, H, W)``, normalised, to a map ``(B, out_channels[i], H_i, W_i)`` of each block, without gradient."""
        return BlockReader(self, self.blocks, self.normalise).read(x)
