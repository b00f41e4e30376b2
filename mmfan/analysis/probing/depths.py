"""Depths at which features are read: every block by itself, the last few together, all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfan.models.taps import Tap

TOGETHER = (4,)  # blocks that are read together at the end, beside all


@dataclass(frozen=True)
class Depth:
    """Features of one or several blocks.

    Attributes:
        name: Of the block, ``last 4`` or ``all``.
        places: Of its blocks among all.
    """

    name: str
    places: tuple[int, ...]


def depths_of(blocks: Sequence[Tap], together: Sequence[int] = TOGETHER) -> list[Depth]:
    """Each block, then the last 4 (where there are more) and all (where there are several).

    >>> from mmfan.models.taps import Tap
    >>> blocks = [Tap(f"blocks.{n}", "", "conv", 4, 8) for n in range(5)]
    >>> [(depth.name, len(depth.places)) for depth in depths_of(blocks)][-3:]
    [('blocks.4', 1), ('last 4', 4), ('all', 5)]
    """
    count = len(blocks)
    found = [Depth(tap.name, (place,)) for place, tap in enumerate(blocks)]
    found += [Depth(f"last {last}", tuple(range(count - last, count))) for last in together if last < count]
    return [*found, Depth("all", tuple(range(count)))] if count > 1 else found


def pooled(maps: Sequence[Tensor]) -> list[Tensor]:
    """Means over the positions: (B, C_i, H_i, W_i) to (B, C_i) of each block."""
    return [values.mean(dim=(2, 3)) for values in maps]


def at_pixels(maps: Sequence[Tensor], pixels: Tensor, size: tuple[int, int]) -> list[Tensor]:
    """Features at pixels of the picture, as maps resized to it bilinearly (without aligned corners) have them.

    Args:
        maps: (1, C_i, H_i, W_i).
        pixels: (n, 2) rows and columns.
        size: Height and width of the picture.

    Returns:
        (n, C_i) of each block.
    """
    sides = torch.tensor(size, dtype=torch.float64)
    grid = ((2 * pixels.double() + 1) / sides - 1).flip(1)[None, None]  # x before y
    found = []
    for values in maps:
        place = grid.to(values)
        read = F.grid_sample(values, place, mode="bilinear", padding_mode="border", align_corners=False)
        found.append(read[0, :, 0].T)
    return found


def joined(features: Sequence[Tensor], depth: Depth) -> Tensor:
    """The features of a depth, (N, sum of C_i), of those of all blocks, (N, C_i)."""
    return torch.cat([features[place] for place in depth.places], dim=1)
