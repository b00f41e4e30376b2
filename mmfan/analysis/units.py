"""The parts of a backbone that can be taken out one at a time: the branches of its residual blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mmfan.analysis.frame import AnalysisError
from mmfan.analysis.taps import PROBE, backbone_of, eval_mode

# what the branches of transformer blocks are called, here and in mmsegmentation and mmdetection
BRANCHES = {"attn": "token", "attention": "token", "mlp": "channel", "ffn": "channel"}
_BLOCK = re.compile(r"(Block|Bottleneck|EncoderLayer|BlockV\d|Bottle2neck|BottleneckX?)$")
Granularity = Literal["branches", "blocks"]


@dataclass(frozen=True)
class Unit:
    """Something that can be taken out.

    Attributes:
        name: Relative to the backbone: ``blocks.3.attn``, ``layer2.1``.
        module: Dotted name of the module in the whole model.
        kind: ``'token'`` (a branch that mixes tokens), ``'channel'`` (one that processes channels), ``'conv'`` (the
            branch of a convolutional block), ``'attention'`` (the branch of a block that only mixes tokens) or
            ``'block'`` (all branches of a transformer block).
        stride: Of the map, relative to the picture; 0 where it is not known.
    """

    name: str
    module: str
    kind: str
    stride: int = 0


def list_units(model: nn.Module, granularity: Granularity = "branches") -> list[Unit]:
    """What can be taken out of a model's backbone, in the order in which it runs.

    A branch is skipped, which for FAN's blocks is the same as setting its gamma to 0. Blocks that change the shape of
    their input cannot be skipped and are not listed; nor are parts that do not run.

    Args:
        model: A segmentor, detector or backbone; it is left as it was.
        granularity: ``'branches'`` of transformer blocks, or whole ``'blocks'``; convolutional blocks have one branch.

    Raises:
        AnalysisError: There is nothing to take out.
    """
    prefix, backbone = backbone_of(model)
    candidates = dict(_candidates(backbone, granularity))
    order: dict[str, int] = {}
    handles = [
        backbone.get_submodule(path).register_forward_hook(_shape_hook(path, order, kind), with_kwargs=True)
        for path, kind in candidates.items()
    ]
    first = next(model.parameters(), torch.zeros(0))
    try:
        with eval_mode(model), torch.no_grad():
            backbone(torch.zeros(1, 3, *PROBE, device=first.device, dtype=first.dtype))
    finally:
        for handle in handles:
            handle.remove()
    if not order:
        raise AnalysisError(
            f"{type(backbone).__name__} has no residual block that could be skipped without changing a shape."
        )
    return [
        Unit(path, f"{prefix}.{path}" if prefix else path, candidates[path], stride) for path, stride in order.items()
    ]


@contextmanager
def removed(model: nn.Module, unit: Unit) -> Iterator[nn.Module]:
    """The model without a unit, for a while.

    Args:
        model: The model that the unit was listed for.
        unit: Skipped: a branch adds nothing, a block gives what it got.

    Raises:
        AnalysisError: The model has no such module.
    """
    modules = dict(model.named_modules())
    if unit.module not in modules:
        raise AnalysisError(f"The model has no module {unit.module!r}; were the units listed for another one?")
    hook = _skip_branch if unit.kind in ("token", "channel") else _skip_block
    handle = modules[unit.module].register_forward_hook(hook, with_kwargs=True)
    try:
        yield model
    finally:
        handle.remove()


def _skip_branch(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> Tensor:
    # OpenMMLab's attention and MLP may add the identity themselves; all others give the branch alone
    identity = kwargs.get("identity")
    return torch.zeros_like(output) if identity is None else identity


def _skip_block(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    given = args[0] if args else kwargs["x"]
    return (given, *output[1:]) if isinstance(output, tuple) else given


def _candidates(backbone: nn.Module, granularity: Granularity) -> Iterator[tuple[str, str]]:
    """Dotted names, relative to the backbone, and kinds."""
    for path, module in backbone.named_modules():
        # class attention does not run in dense prediction
        if not path or not _BLOCK.search(type(module).__name__) or "Class" in type(module).__name__:
            continue
        children = dict(module.named_children())
        branches = [name for name in BRANCHES if name in children]
        transformer = len(branches) == 2
        if transformer and granularity == "branches":
            yield from ((f"{path}.{name}", BRANCHES[name]) for name in branches)
        else:
            mixes = any(BRANCHES[name] == "token" for name in branches)
            yield path, "block" if transformer else "attention" if mixes else "conv"


def _shape_hook(path: str, order: dict[str, int], kind: str) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        given = args[0] if args else next(iter(kwargs.values()))
        result = output[0] if isinstance(output, tuple) else output
        if isinstance(given, Tensor) and isinstance(result, Tensor) and given.shape == result.shape:
            order[path] = _stride(result)

    return hook


def _stride(value: Tensor) -> int:
    places = value.shape[2] * value.shape[3] if value.ndim == 4 else value.shape[1]
    return round((PROBE[0] * PROBE[1] / max(places, 1)) ** 0.5)
