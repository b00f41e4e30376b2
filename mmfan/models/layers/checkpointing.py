"""Activation checkpointing: of single steps, and of modules so that running statistics of batch norms stay right.

A checkpointed module runs twice in a training step. Without care its batch norms would take the batch into their
running mean and variance twice; so while a module is recomputed, they only normalise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mmfan.errors import MMFanError
from mmfan.models.layers.recording import is_compiling, is_traced

RECOMPUTE = ("none", "light", "full")


def choose_recompute(recompute: str | None, with_cp: bool) -> str:
    """What a backbone computes again in the backward pass instead of keeping it, one of :data:`RECOMPUTE`.

    Args:
        recompute: The choice, or None: ``'light'``, or ``'full'`` with
        with_cp: OpenMMLab's word for ``'full'``.

    Raises:
        MMFanError: An unknown choice, or one that ``with_cp`` contradicts.
    """
    if recompute is None:
        return "full" if with_cp else "light"
    if recompute not in RECOMPUTE:
        raise MMFanError(f"Expected recompute to be one of {list(RECOMPUTE)}, got {recompute!r}.")
    if with_cp and recompute != "full":
        raise MMFanError(f"with_cp=True is recompute='full', but got recompute={recompute!r} too.")
    return recompute


class LightSteps(nn.Module):
    """Mixed into a layer with steps that cost little beside the maps they would keep for the backward pass.

    Attributes:
        light: Whether such steps keep their inputs alone and are computed again.
    """

    light = True


def recompute_light_steps(module: nn.Module, light: bool) -> None:
    """Choose for all layers in ``module`` whether their light steps are computed again."""
    for layer in module.modules():
        if isinstance(layer, LightSteps):
            layer.light = light


def recomputed(function: Callable[..., Tensor], *inputs: Tensor, light: bool = True) -> Tensor:
    """``function(*inputs)``, of which only the inputs are kept for the backward pass; the rest is computed again.

    For steps that cost little beside the maps they would keep. The function must neither draw random numbers nor change
    anything. Without ``light`` everything is kept.
    """
    if not light or not torch.is_grad_enabled() or is_traced():
        return function(*inputs)
    return checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False)


@contextlib.contextmanager
def spare_running_statistics(module: nn.Module) -> Iterator[None]:
    """Let every batch norm in ``module`` update a copy of its running statistics; what they compute is unchanged."""
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training and m.track_running_stats]
    kept = [dict(norm.named_buffers(recurse=False)) for norm in norms]
    for norm, buffers in zip(norms, kept, strict=True):
        for name, value in buffers.items():
            setattr(norm, name, value.clone())
    try:
        yield
    finally:
        for norm, buffers in zip(norms, kept, strict=True):
            for name, value in buffers.items():
                setattr(norm, name, value)


def run(module: nn.Module, *inputs: Any, with_cp: bool = False) -> Any:
    """``module(*inputs)``; with ``with_cp`` its activations are not kept but recomputed in the backward pass.

    The recomputation is non-reentrant, so it works with DDP without ``find_unused_parameters``.
    """
    if not (with_cp and module.training and torch.is_grad_enabled()) or is_traced():
        return module(*inputs)
    if is_compiling():  # the compiler recomputes what gradients need, and writes running statistics once
        return checkpoint(module, *inputs, use_reentrant=False)

    def contexts() -> tuple[Any, Any]:
        return contextlib.nullcontext(), spare_running_statistics(module)

    return checkpoint(module, *inputs, use_reentrant=False, context_fn=contexts)
