"""Fusion of feature levels: projected to one width, resized to the finest and summed, in the cheap order.

Written out, a SegFormer-style head projects L levels of C_i channels to D each, resizes all to the finest map, stacks
L * D channels and maps them to D with a 1x1 convolution. All of it is linear, and acting on channels it commutes with
resizing (whose weights sum to 1, so biases pass through). Hence, with the slice F_i of the fuse that belongs to level i
and its projection x -> P_i x + b_i,

    fuse(stack(resize(P_i x_i + b_i))) = sum_i resize((F_i P_i) x_i) + sum_i F_i b_i

The products F_i P_i are small matrices, made anew in every forward, so gradients reach both factors. The stack never
exists, levels of one size are added before they are resized, and the finest level costs C_1 * D operations a pixel
instead of (C_1 + L * D) * D.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from mmfan.models.layers.chunked import PIECE
from mmfan.models.layers.products import product
from mmfan.models.layers.recording import is_recorded, is_traced


def norm_as_affine(norm: nn.Module) -> tuple[Tensor, Tensor] | None:
    """The scale and shift ``(C,)`` that a batch norm in eval mode amounts to; None for any other norm or mode."""
    if not isinstance(norm, _BatchNorm) or norm.training or norm.running_mean is None or norm.running_var is None:
        return None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift


def fold(
    projections: Iterable[nn.Linear], fuse_weight: Tensor, affine: tuple[Tensor, Tensor] | None = None
) -> tuple[list[Tensor], Tensor]:
    """Fold the fuse, and perhaps a scale and shift after it, into the projections.

    Args:
        projections: L linear layers ``C_i -> D``.
        fuse_weight: ``(D, L * D, 1, 1)``; the slice of the last level comes first.
        affine: A scale and a shift ``(D,)``.

    Returns:
        A matrix ``(D, C_i)`` for each level, and one bias ``(D,)``.
    """
    projections = list(projections)
    # The products are small and everything passes through them: mixed precision would save nothing and round twice.
    kind = fuse_weight.device.type
    with contextlib.nullcontext() if kind == "meta" else torch.autocast(kind, enabled=False):
        return _fold(projections, fuse_weight, affine)


def _fold(
    projections: list[nn.Linear], fuse_weight: Tensor, affine: tuple[Tensor, Tensor] | None
) -> tuple[list[Tensor], Tensor]:
    slices = fuse_weight.flatten(1).chunk(len(projections), dim=1)[::-1]  # (D, D) each, first level first
    matrices = [part @ projection.weight for part, projection in zip(slices, projections, strict=True)]
    bias = torch.stack([part @ projection.bias for part, projection in zip(slices, projections, strict=True)]).sum(0)
    if affine is not None:
        scale, shift = affine
        matrices, bias = [matrix * scale[:, None] for matrix in matrices], bias * scale + shift
    return matrices, bias


def _by_size(levels: Sequence[Tensor], matrices: Sequence[Tensor]) -> list[list[tuple[Tensor, Tensor]]]:
    """Levels with their matrices, grouped by the size of the map, the finest group first.

    By comparisons alone: what ``sorted`` or a dict do with sizes, a compiler cannot follow.
    """
    groups: list[list[tuple[Tensor, Tensor]]] = []
    for level, matrix in zip(levels, matrices, strict=True):
        height, width = level.shape[2:]
        for place, group in enumerate(groups):
            other = group[0][0].shape[2:]
            if _same(level.shape[2:], other):
                group.append((level, matrix))
                break
            if height * width > other[0] * other[1]:
                groups.insert(place, [(level, matrix)])
                break
        else:
            groups.append([(level, matrix)])
    return groups


def _same(size: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two levels are of one size, and in what a tracer records not of one by chance: as single pixels."""
    if size[0] != other[0] or size[1] != other[1]:
        return False
    return not (is_traced() and size[0] == 1 and size[1] == 1)


def _project(group: Sequence[tuple[Tensor, Tensor]], bias: Tensor | None = None) -> Tensor:
    """The sum of the products of a group of maps of one size: ``(B, H, W, D)``."""
    (level, matrix), *others = group
    total = _one_projected(level, matrix, bias)
    for level, matrix in others:
        added = _one_projected(level, matrix)
        # a view that is written on has its gradient copied
        total = total + added if total.requires_grad else total.add_(added)
    return total


def _one_projected(level: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """A product on a CPU; elsewhere, and for compilers, a convolution, which takes a map as it lies in memory."""
    if level.device.type == "cpu" and not is_recorded():
        return product(level.permute(0, 2, 3, 1), matrix, bias)
    return F.conv2d(level, matrix[:, :, None, None], bias).permute(0, 2, 3, 1)


def fuse_levels(
    levels: Sequence[Tensor], matrices: Sequence[Tensor], bias: Tensor, align_corners: bool = False
) -> Tensor:
    """Project every level, resize (bilinear) to the finest and add up.

    Args:
        levels: L maps ``(B, C_i, H_i, W_i)``.
        matrices: ``(D, C_i)`` each, and
        bias: ``(D,)``, from :func:`fold`.
        align_corners: See ``torch.nn.functional.interpolate``.

    Returns:
        ``(B, D, H, W)``, the size of the largest level.
    """
    finest, *coarser = _by_size(levels, matrices)
    fused = _project(finest, bias).permute(0, 3, 1, 2)
    for group in coarser:
        narrow = _project(group).permute(0, 3, 1, 2)
        resized = F.interpolate(narrow, fused.shape[2:], mode="bilinear", align_corners=align_corners)
        fused = resized.add_(fused)  # not the other way round: the sum so far is a view, whose gradient would be copied
    return fused


def fused_strips(
    levels: Sequence[Tensor], matrices: Sequence[Tensor], bias: Tensor, align_corners: bool = False
) -> Iterator[Tensor]:
    """The map of :func:`fuse_levels` in strips of whole rows; the map itself never exists.

    Yields:
        Strips ``(B, rows, W, D)``, from the top, channels last.
    """
    finest, *coarser = _by_size(levels, matrices)
    batch, _, height, width = finest[0][0].shape
    coarse = [_project(group) for group in coarser]  # (B, h, w, D) each
    rows = max(1, PIECE // (batch * width))
    for start in range(0, height, rows):
        part = range(start, min(start + rows, height))
        strip = _project([(level[:, :, start : part.stop], matrix) for level, matrix in finest], bias)
        for features in coarse:
            strip = strip.add_(resized_rows(features, (height, width), part, align_corners))
        yield strip


def resized_rows(features: Tensor, size: tuple[int, int], part: range, align_corners: bool) -> Tensor:
    """Some rows of a map resized by bilinear interpolation.

    Args:
        features: ``(B, h, w, D)``.
        size: ``(H, W)`` of the whole resized map.
        part: The rows wanted, of 0 .. H.
        align_corners: See ``torch.nn.functional.interpolate``.

    Returns:
        ``(B, rows, W, D)``.
    """
    last = features.shape[1] - 1
    rows = []
    for row in part:
        if align_corners:
            position = row * (last / max(size[0] - 1, 1))
        else:
            position = max((row + 0.5) * ((last + 1) / size[0]) - 0.5, 0.0)
        above = min(int(position), last)
        rows.append(torch.lerp(features[:, above], features[:, min(above + 1, last)], position - above))
    between = torch.stack(rows, dim=1).permute(0, 3, 1, 2)  # (B, D, rows, w)
    resized = F.interpolate(between, (len(part), size[1]), mode="bilinear", align_corners=align_corners)
    return resized.permute(0, 2, 3, 1)
