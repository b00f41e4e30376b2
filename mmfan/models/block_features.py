"""Features of the blocks of any backbone: which blocks there are, the last few of them, and their normalised maps.

Before a linear read-out the tokens of a block are brought to one scale: mean 0 and variance 1 over the channels, at
every position. That is a layer norm without its learned scale and shift, which a linear layer behind it takes up; so a
block that has no norm of its own, as those of a ResNet, is read like one that has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfan.errors import MMFanError
from mmfan.models.taps import PROBE, Features, Tap, TapError, TapRecorder, backbone_of, eval_mode, list_taps

BLOCK_KINDS = ("conv", "token", "channel")  # of the taps that may be the end of a block
EPS = 1e-6
Last = int | Literal["all"]


def list_blocks(model: nn.Module, size: tuple[int, int] = PROBE) -> list[Tap]:
    """The outputs of all blocks of a model's backbone, in the order in which they are computed.

    A transformer's block counts once, after its MLP or channel processing; of a convolutional network the residual
    blocks count. Patch embeddings, subsampling and the backbone's own outputs are no blocks.

    Args:
        model: A segmentor, detector, classifier or backbone; it is left as it was.
        size: Of the blank picture, see :func:`mmfan.models.taps.list_taps`.

    Raises:
        TapError: No blocks are found.
    """
    taps = [tap for tap in list_taps(model, size=size) if tap.kind in BLOCK_KINDS and tap.at == "output"]
    if not taps:
        raise TapError(f"No blocks are found in {type(backbone_of(model)[1]).__name__}.")
    return taps


def last_blocks(blocks: Sequence[Tap], last: Last) -> list[Tap]:
    """The last so many blocks, or all.

    Raises:
        MMFanError: There are fewer, or ``last`` is neither a number from 1 on nor ``'all'``.
    """
    if last == "all":
        return list(blocks)
    if isinstance(last, bool) or not isinstance(last, int) or not 1 <= last <= len(blocks):
        raise MMFanError(f"Expected `last` from 1 to {len(blocks)}, the number of blocks, or 'all', got {last!r}.")
    return list(blocks[-last:])


def named_blocks(blocks: Sequence[Tap], names: Sequence[str]) -> list[Tap]:
    """The blocks of these names, in the order of depth.

    Raises:
        TapError: There is no block of a name.
    """
    known = {tap.name for tap in blocks}
    for name in names:
        if name not in known:
            raise TapError(f"There is no block {name!r}; there are {', '.join(tap.name for tap in blocks)}.")
    return [tap for tap in blocks if tap.name in names]


def normalised(features: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the channels at every position: ``(B, C, H, W)`` to the same shape, in float32."""
    moved = features.float().movedim(1, -1)
    return F.layer_norm(moved, moved.shape[-1:], eps=EPS).movedim(-1, 1)


class BlockReader:
    """Normalised maps of a model's blocks, by one run of its backbone in eval mode, without gradients.

    Args:
        model: A segmentor, detector, classifier or backbone.
        blocks: Taps of :func:`list_blocks`.
        normalise: False leaves the features as they are.
    """

    def __init__(self, model: nn.Module, blocks: Sequence[Tap], normalise: bool = True) -> None:
        self.model, self.blocks, self.normalise = model, tuple(blocks), normalise

    def read(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """``(B, 3, H, W)``, as the model gets it, to a map ``(B, C_i, H_i, W_i)`` of each block.

        Raises:
            TapError: A block was not run, or its tokens are of no map.
        """
        with eval_mode(self.model), torch.no_grad(), TapRecorder(self.model, self.blocks) as recorder:
            backbone_of(self.model)[1](inputs)
            found = dict(recorder.features)
        return tuple(self._map(found.get(tap.name), tap) for tap in self.blocks)

    def _map(self, features: Features | None, tap: Tap) -> Tensor:
        if features is None:
            raise TapError(f"The block {tap.name!r} did not run.")
        return normalised(features.map) if self.normalise else features.map
