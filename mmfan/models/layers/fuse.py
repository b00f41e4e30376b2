"""Projecting feature levels to one width, resizing them to the finest and fusing them, in the cheap order.

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

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm


def norm_as_affine(norm: nn.Module) -> tuple[Tensor, Tensor] | None:
    """The scale and shift ``(C,)`` that a batch norm in eval mode amounts to; None for any other norm or mode."""
    if not isinstance(norm, _BatchNorm) or norm.training or norm.running_mean is None or norm.running_var is None:
        return None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift


def fuse_levels(
    levels: Sequence[Tensor],
    projections: Iterable[nn.Linear],
    fuse_weight: Tensor,
    align_corners: bool = False,
    affine: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Project, resize (bilinear) to the finest level and fuse.

    Args:
        levels: L maps ``(B, C_i, H_i, W_i)``.
        projections: L linear layers ``C_i -> D``.
        fuse_weight: ``(D, L * D, 1, 1)``; the slice of the last level comes first.
        align_corners: See ``torch.nn.functional.interpolate``.
        affine: A scale and a shift ``(D,)`` to apply to the result.

    Returns:
        ``(B, D, H, W)``, the size of the largest level, channels-last.
    """
    projections = list(projections)
    slices = fuse_weight.flatten(1).chunk(len(projections), dim=1)[::-1]  # (D, D) each, first level first
    bias = torch.stack([part @ p.bias for part, p in zip(slices, projections, strict=True)]).sum(0)
    if affine is not None:
        bias = bias * affine[0] + affine[1]
    finest = max((level.shape[2:] for level in levels), key=lambda size: size[0] * size[1])
    sums: dict[tuple[int, int], Tensor] = {}
    for level, part, projection in zip(levels, slices, projections, strict=True):
        matrix = part @ projection.weight  # (D, C_i)
        if affine is not None:
            matrix = matrix * affine[0][:, None]
        size = (level.shape[2], level.shape[3])
        # the bias is added once, with the finest level
        level_bias = bias if level.shape[2:] == finest and size not in sums else None
        product = F.conv2d(level, matrix[:, :, None, None], level_bias)
        sums[size] = sums[size] + product if size in sums else product
    fused = sums.pop(tuple(finest))
    for coarse in sums.values():
        fused = fused + F.interpolate(coarse, size=finest, mode="bilinear", align_corners=align_corners)
    return fused
