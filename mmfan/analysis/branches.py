"""Branches of residual blocks: the parts of a backbone that can be taken out one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmfan.analysis.options import AnalysisError
from mmfan.analysis.taps import PROBE, backbone_of, eval_mode

# what the branches of transformer blocks are called, here and in mmsegmentation and mmdetection
BRANCHES = {"attn": "token", "attention": "token", "mlp": "channel", "ffn": "channel"}
_BLOCK = re.compile(r"(Block|Bottleneck|EncoderLayer|BlockV\d|Bottle2neck|BottleneckX?)$")


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


def list_units(model: nn.Module, granularity: str = "branches") -> list[Unit]:
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
    order: dict[str, bool] = {}  # of what runs: whether the shape stays
    strides: dict[str, int] = {}
    handles = []
    for path, kind in candidates.items():
        # windows of attention are no map: the stride is that of the block
        block = path if kind in ("conv", "attention", "block") else path.rpartition(".")[0]
        handles.append(
            backbone.get_submodule(block).register_forward_pre_hook(_stride_hook(path, strides), with_kwargs=True)
        )
        handles.append(backbone.get_submodule(path).register_forward_hook(_shape_hook(path, order), with_kwargs=True))
    first = next(model.parameters(), torch.zeros(0))
    try:
        with eval_mode(model), torch.no_grad():
            backbone(torch.zeros(1, 3, *PROBE, device=first.device, dtype=first.dtype))
    finally:
        for handle in handles:
            handle.remove()
    order = {path: stays for path, stays in order.items() if stays}
    if not order:
        raise AnalysisError(
            f"{type(backbone).__name__} has no residual block that could be skipped without changing a shape."
        )
    return [
        Unit(path, f"{prefix}.{path}" if prefix else path, candidates[path], strides.get(path, 0)) for path in order
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


def _candidates(backbone: nn.Module, granularity: str) -> Iterator[tuple[str, str]]:
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


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()), None)


def _shape_hook(path: str, order: dict[str, bool]) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        given, result = _first(args, kwargs), output[0] if isinstance(output, tuple) else output
        order[path] = isinstance(given, Tensor) and isinstance(result, Tensor) and given.shape == result.shape

    return hook


def _stride_hook(path: str, strides: dict[str, int]) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = _first(args, kwargs)
        if isinstance(given, Tensor) and given.ndim in (3, 4):
            places = given.shape[2] * given.shape[3] if given.ndim == 4 else given.shape[1]
            strides[path] = round((PROBE[0] * PROBE[1] / max(places, 1)) ** 0.5)

    return hook
