"""Views of pictures: in other sizes and mirrored, and how what is said of a view goes back into the picture's place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class View(NamedTuple):
    """A way to look at a picture: its size as a share of the picture's, and whether left and right are changed."""

    scale: float
    flip: bool

    def size(self, size: Sequence[int]) -> tuple[int, int]:
        """Height and width of the view of a picture of this height and width."""
        tall, wide = (max(1, round(side * self.scale)) for side in size)
        return tall, wide


PLAIN = View(1, False)


def views_of(scales: Sequence[float], flip: bool) -> tuple[View, ...]:
    """The views at each scale, with ``flip`` mirrored as well."""
    return tuple(View(scale, turned) for scale in scales for turned in ((False, True) if flip else (False,)))


def viewed(picture: Tensor, view: View, dense: bool) -> Tensor:
    """A picture as a view has it.

    Args:
        picture: (3, H, W); uint8 becomes float32 where the size changes.
        view: The view.
        dense: Resize it; otherwise zoom into it, or out of it with its border repeated, in its own size, for networks
            that know one size.
    """
    if view.scale != 1:
        values = picture.float()[None]
        if dense:
            size = view.size(picture.shape[1:])
            values = F.interpolate(values, size, mode="bilinear", align_corners=False)
        else:
            matrix = torch.tensor([[[1 / view.scale, 0, 0], [0, 1 / view.scale, 0]]], device=values.device)
            grid = F.affine_grid(matrix, list(values.shape), align_corners=False)
            values = F.grid_sample(values, grid, padding_mode="border", align_corners=False)
        picture = values[0]
    return picture.flip(-1) if view.flip else picture


def put_back(
    logits: Tensor, view: View, size: Sequence[int], padded: tuple[int, int] | None = None, part: Sequence[int] = ()
) -> Tensor:
    """Logits of a view, (C, h, w), in the picture's place, (C, H, W).

    Args:
        logits: Of the view.
        view: The view.
        size: Of the picture.
        padded: Height and width that the logits stand for; None for those of the view.
        part: Height and width of the view within that, at the top left.
    """
    values = logits.float()[None]
    if padded is not None and tuple(padded) != tuple(part):
        values = resized(values, padded)[..., : part[0], : part[1]]
    if view.flip:
        values = values.flip(-1)
    return resized(values, size)[0]


def resized(values: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (N, C, h, w) in another height and width, bilinear; themselves where they have it."""
    if tuple(values.shape[2:]) == tuple(size):
        return values
    return F.interpolate(values, tuple(size), mode="bilinear", align_corners=False)
