"""Directions in the space of weights, scaled so that plots around different models can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mmfan.errors import MMFanError

NORMALISATIONS = ("filter", "repo", "none")
# not filters: what is added to tokens
_POSITIONS = re.compile(r"pos_embed|relative_position|cls_token|absolute_pos|position_embedding")


def random_direction(
    weights: Mapping[str, Tensor], generator: torch.Generator, normalise: str = "filter"
) -> dict[str, Tensor]:
    """A Gaussian direction in the space of weights.

    Args:
        weights: By name.
        generator: Draws on the CPU.
        normalise: ``'filter'``: the part of each filter or row (the first axis) has the norm of that filter (Li et
            al., Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018). ``'repo'``: norms are taken along the
            first axis instead, as the code published with arXiv 2202.06709 does. ``'none'``: as drawn.

    Returns:
        By name; 0 for biases, norms and other vectors, and for positions.

    Raises:
        MMFanError: ``normalise`` is unknown.
    """
    if normalise not in NORMALISATIONS:
        raise MMFanError(f"Expected `normalise` to be one of {', '.join(NORMALISATIONS)}, got {normalise!r}.")
    return {name: _part(name, weight.detach(), generator, normalise) for name, weight in weights.items()}


def _part(name: str, weight: Tensor, generator: torch.Generator, normalise: str) -> Tensor:
    # drawn for all weights, so that the others do not depend on which are left out
    drawn = torch.randn(weight.shape, generator=generator).to(weight)
    if weight.ndim <= 1 or _POSITIONS.search(name):
        return torch.zeros_like(weight)
    if normalise == "none":
        return drawn
    axes = 0 if normalise == "repo" else tuple(range(1, weight.ndim))
    wanted, has = (torch.linalg.vector_norm(value, dim=axes, keepdim=True) for value in (weight, drawn))
    return drawn * wanted / has.clamp_min(1e-12)


@contextmanager
def moved(
    parameters: Mapping[str, nn.Parameter], directions: Sequence[Mapping[str, Tensor]], steps: Sequence[float]
) -> Iterator[None]:
    """Weights moved along directions, for a while; afterwards they are exactly what they were.

    Args:
        parameters: By name.
        directions: By name, of the same shapes.
        steps: How far along each direction.
    """
    kept = {name: value.detach().clone() for name, value in parameters.items()}
    try:
        with torch.no_grad():
            for name, value in parameters.items():
                for direction, step in zip(directions, steps, strict=True):
                    if step:
                        value.add_(direction[name], alpha=step)
        yield
    finally:
        with torch.no_grad():
            for name, value in parameters.items():
                value.copy_(kept[name])


def penalty(parameters: Mapping[str, Tensor], decays: Mapping[str, float]) -> float:
    """``sum of decay / 2 * |w|**2`` over the weights."""
    return sum(
        0.5 * decays[name] * float(value.detach().double().square().sum())
        for name, value in parameters.items() if decays.get(name)
    )  # fmt: skip
