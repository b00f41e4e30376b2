"""Channel-wise feature augmentation (CWFA): features pushed along their own mean over the picture.

Paper: arXiv 2412.01941. With x the mean of the features X (C, H, W) over space,

    p = eps * x / ||x||,    X'[c, h, w] = X[c, h, w] + p[c]

with eps 9 for SegFormer-B0 to B2 and 15 for B3 to B5, in every stage of the encoder with probability 0.3, from a tenth
of the training on. The paper leaves open whether p has a gradient (here: none) and for whom a coin is thrown (here: for
every stage and picture).

An eps of the paper means something only beside the size of the features: those of SegFormer end in a layer norm, so
that the vector of a place is about sqrt(C) long. ``eps_rel`` is a share of that length, measured on the picture itself
(the root mean square over its places), for backbones whose stages are of any size.
"""

from __future__ import annotations

import torch
from torch import Tensor

DIRECTIONS = ("mean", "random", "noise")


def mean_direction(features: Tensor, channel_dim: int = 1) -> Tensor:
    """The mean over space as a vector of length 1, float32.

    Args:
        features: ``(B, C, H, W)``, ``(B, N, C)``, ... with the batch first.
        channel_dim: Where C is.

    Returns:
        ``(B, C)``; zeros where the mean is zero.
    """
    places = [axis for axis in range(1, features.ndim) if axis != channel_dim % features.ndim]
    mean = features.mean(dim=places, dtype=torch.float32)
    length = torch.linalg.vector_norm(mean, dim=1, keepdim=True)
    return torch.where(length > 0, mean / length.clamp_min(torch.finfo(torch.float32).tiny), 0.0)


def place_length(features: Tensor, channel_dim: int = 1) -> Tensor:
    """How long the vector of a place is, ``(B,)``: the root mean square over the places of a picture, float32."""
    return features.float().flatten(1).square().mean(dim=1).mul(features.shape[channel_dim]).sqrt()


@torch.no_grad()
def push(
    features: Tensor,
    coins: Tensor,
    eps: float | None,
    eps_rel: float | None,
    direction: str,
    generator: torch.Generator,
    channel_dim: int = 1,
) -> Tensor:
    """What is added to the features, without a gradient.

    Args:
        features: ``(B, ..., C, ...)``.
        coins: ``(B,)`` bool, on the CPU: which pictures are changed.
        eps: Length of the vector that is added to each place; or
        eps_rel: Its share of :func:`place_length`.
        direction: ``'mean'`` (CWFA), ``'random'`` (one random direction for all places of a picture) or ``'noise'`` (a
            random one for each place, of that length on average): the ablations.
        generator: Of random directions, on the CPU.
        channel_dim: Where C is.

    Returns:
        A tensor that broadcasts against ``features``, of their type.
    """
    channel_dim %= features.ndim
    batch, channels = features.shape[0], features.shape[channel_dim]
    shape = [batch, *([1] * (features.ndim - 1))]
    if eps_rel is None:
        length = features.new_full((batch,), float(eps or 0), dtype=torch.float32)
    else:
        length = eps_rel * place_length(features, channel_dim)
    length = torch.where(coins.to(features.device), length, 0.0).view(shape)
    if direction == "noise":
        noise = torch.randn(features.shape, generator=generator).to(features.device)
        return (length * noise / channels**0.5).to(features.dtype)
    if direction == "mean":
        vector = mean_direction(features, channel_dim)
    else:
        drawn = torch.randn((batch, channels), generator=generator)
        vector = torch.nn.functional.normalize(drawn, dim=1).to(features.device)
    shape[channel_dim] = channels
    return (length * vector.view(shape)).to(features.dtype)


def augment(
    features: Tensor,
    coins: Tensor,
    eps: float | None = None,
    eps_rel: float | None = None,
    direction: str = "mean",
    generator: torch.Generator | None = None,
    channel_dim: int = 1,
) -> Tensor:
    """The features with their push; the arguments are those of :func:`push`.

    Returns:
        A tensor of the same shape and type; ``features`` itself where no coin fell.
    """
    if not bool(coins.any()):
        return features
    return features + push(features, coins, eps, eps_rel, direction, generator or torch.default_generator, channel_dim)
