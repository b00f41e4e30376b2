"""Taps: the places of a backbone that one can look at, found without a list for every architecture.

A block with an attention and a second norm is tapped twice: what enters the second norm is the state after token mixing
(attention and skip), what leaves the block is the state after channel processing (MLP and skip). Other residual blocks
are tapped at their output. Strides and widths are measured on a small blank picture, so that whatever mmsegmentation or
mmdetection builds can be tapped, and parts that never run are not listed.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmfan.errors import MMFanError

PROBE = (64, 128)  # height and width of the blank picture; not square, so that rows and columns are told apart
KINDS = {
    "embed": "patch embedding, stem or subsampling",
    "token": "after token mixing: attention and its skip",
    "channel": "after channel processing: MLP and its skip",
    "conv": "after a convolutional block",
    "output": "an output of the backbone",
    "module": "the output of a module that was asked for by name",
}
_EMBEDDING = re.compile(r"PatchEmbed|PatchMerging|Stem|Downsampl", re.IGNORECASE)
_BLOCK = re.compile(r"(Block|Bottleneck|Layer|BlockV\d)$")
_ATTENTION = re.compile(r"Attention|MSA|Attn|TokenMix", re.IGNORECASE)
_SECOND_NORMS = ("norm2", "ln2")
_MLPS = ("mlp", "ffn")


class TapError(MMFanError):
    """A tap that there is not, or that cannot be read as asked."""


@dataclass(frozen=True)
class Tap:
    """A place to look at.

    Attributes:
        name: Relative to the backbone: ``blocks.3.token``, ``blocks.3.channel``, ``layer2.0``, ``out1``.
        module: The module hooked, by its dotted name in the whole model; empty for the model itself.
        kind: One of :data:`KINDS`.
        stride: Of the map, relative to the picture; 0 if there is no map.
        width: Channels.
        at: Whether the module's first input or its output is taken.
        index: Which one, of several outputs.
    """

    name: str
    module: str
    kind: str
    stride: int
    width: int
    at: Literal["input", "output"] = "output"
    index: int = 0


@dataclass(frozen=True)
class Features:
    """What a tap gave for one batch, in the view asked for.

    Attributes:
        tap: Where.
        value: ``(B, N, C)`` tokens without class token, or a ``(B, C, H, W)`` map, as the model holds it.
        size: ``(H, W)`` of the map; None where the tokens are of no map.
    """

    tap: Tap
    value: Tensor
    size: tuple[int, int] | None

    @property
    def tokens(self) -> Tensor:
        """``(B, N, C)``, row by row over the map."""
        return self.value if self.value.ndim == 3 else self.value.flatten(2).transpose(1, 2)

    @property
    def map(self) -> Tensor:
        """``(B, C, H, W)``.

        Raises:
            TapError: The tokens are of no map.
        """
        if self.value.ndim == 4:
            return self.value
        if self.size is None:
            raise TapError(f"The {self.value.shape[1]} tokens of the tap {self.tap.name!r} are of no map.")
        return self.value.transpose(1, 2).unflatten(2, self.size)


def backbone_of(model: nn.Module) -> tuple[str, nn.Module]:
    """The backbone of a segmentor, detector or classifier and its dotted name.

    A network without one, within :class:`mmfan.ImageClassifier` or by itself, is its own; a bare backbone is named ''.
    """
    prefix, found = "", model
    for name in ("network", "backbone"):
        inner = getattr(found, name, None)
        if isinstance(inner, nn.Module):
            prefix, found = _joined(prefix, name), inner
    return prefix, found


def list_taps(model: nn.Module, kinds: Sequence[str] | None = None, size: tuple[int, int] = PROBE) -> list[Tap]:
    """All taps of a model's backbone, in the order in which they are computed, its outputs last.

    Args:
        model: A segmentor, detector or backbone of any kind; it is left as it was.
        kinds: Only taps of these kinds, of :data:`KINDS`.
        size: Height and width of the blank picture; to be given for models that take one size alone.

    Raises:
        TapError: There is none of these kinds.
    """
    prefix, backbone = backbone_of(model)
    found = _probe(model, list(_candidates(backbone, prefix)), size)
    if kinds is None:
        return found
    taps = [tap for tap in found if tap.kind in kinds]
    if not taps:
        there = ", ".join(sorted({tap.kind for tap in found}))
        raise TapError(f"{type(backbone).__name__} has no tap of the kinds {', '.join(kinds)}; it has {there}.")
    return taps


def find_tap(model: nn.Module, name: str) -> Tap:
    """A tap by its name, or the output of any module by its dotted name in the backbone or in the model.

    Raises:
        TapError: There is no such tap or module (the message names the nearest), or it gives no features.
    """
    taps = {tap.name: tap for tap in list_taps(model)}
    if name in taps:
        return taps[name]
    prefix, backbone = backbone_of(model)
    modules = dict(model.named_modules())
    for path in (_joined(prefix, name), name):
        if path and path in modules:
            found = _probe(model, [Tap(name, path, "module", 0, 0)])
            if not found:
                raise TapError(
                    f"{name!r} gives no tokens or map when the backbone runs (it is a {type(modules[path]).__name__})."
                )
            return found[0]
    known = [*taps, *(path for path, _ in backbone.named_modules() if path)]
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.4) or list(taps)[:4]
    raise TapError(f"{type(backbone).__name__} has no tap {name!r}; the nearest are {', '.join(near)}.")


def choose_taps(model: nn.Module, names: Sequence[str] | None, kinds: Sequence[str]) -> list[Tap]:
    """The taps asked for by name, or all of some kinds.

    Raises:
        TapError: See :func:`find_tap` and :func:`list_taps`.
    """
    return [find_tap(model, name) for name in names] if names else list_taps(model, kinds)


def describe_taps(taps: Sequence[Tap]) -> dict[str, list[Any]]:
    """Names, kinds and strides of taps, as results that go by depth have them."""
    return {
        "taps": [tap.name for tap in taps],
        "kinds": [tap.kind for tap in taps],
        "strides": [tap.stride for tap in taps],
    }


class TapRecorder:
    """Keeps what taps give while it is entered; the hooks go when it is left, by whatever way.

    Example::

        with TapRecorder(model, taps) as recorder, torch.no_grad():
            model.backbone(pictures)
            features = recorder.features["blocks.3.token"].map

    Args:
        model: The model that the taps were listed for.
        taps: Where to look.
        detach: Cut the features from the graph.

    Attributes:
        features: By the taps' names, of the backbone's latest run; in the order in which they were computed.

    Raises:
        TapError: When it is entered, the model has no module of a tap.
    """

    def __init__(self, model: nn.Module, taps: Sequence[Tap], detach: bool = True) -> None:
        self.model, self.taps, self.detach = model, tuple(taps), detach
        self.features: dict[str, Features] = {}
        self._picture: tuple[int, int] | None = None
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> TapRecorder:
        modules = dict(self.model.named_modules())
        missing = [tap.module for tap in self.taps if tap.module not in modules]
        if missing:
            raise TapError(f"The model has no module {missing[0]!r}; were the taps listed for another one?")
        _, backbone = backbone_of(self.model)
        self._handles.append(backbone.register_forward_pre_hook(self._start))
        for tap in self.taps:
            module = modules[tap.module]
            if tap.at == "input":
                self._handles.append(module.register_forward_pre_hook(self._input_hook(tap)))
            else:
                self._handles.append(module.register_forward_hook(self._output_hook(tap), with_kwargs=True))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _start(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self.features.clear()
        self._picture = tuple(args[0].shape[2:]) if args and _is_map(args[0]) else None

    def _input_hook(self, tap: Tap) -> Callable[..., None]:
        return lambda module, args: self._keep(tap, args[0], args)

    def _output_hook(self, tap: Tap) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            value = output
            while isinstance(value, (tuple, list)) and value:
                value = value[tap.index] if tap.kind == "output" else value[0]
            self._keep(tap, value, [output, *args, *kwargs.values()])

        return hook

    def _keep(self, tap: Tap, value: Any, near: Any) -> None:
        if not isinstance(value, Tensor) or value.ndim not in (3, 4):
            return
        value = value.detach() if self.detach else value
        if value.ndim == 4:
            self.features[tap.name] = Features(tap, value, (value.shape[2], value.shape[3]))
            return
        size = _size_of_map(value.shape[1], near, self._picture, tap.stride)
        if size is not None:
            value = value[:, value.shape[1] - size[0] * size[1] :]  # a class token goes first
        self.features[tap.name] = Features(tap, value, size)


def _size_of_map(count: int, near: Any, picture: tuple[int, int] | None, stride: int) -> tuple[int, int] | None:
    """Height and width of ``count`` tokens, with or without a class token.

    Whatever passes through a block beside the tokens may tell, else the picture and the stride.
    """
    for pair in _pairs(near):
        if count - pair[0] * pair[1] in (0, 1):
            return pair
    if picture is None:
        return None
    strides = [stride] if stride else range(1, 129)
    for one in strides:
        size = (-(-picture[0] // one), -(-picture[1] // one))
        if count - size[0] * size[1] in (0, 1):
            return size
    return None


def _pairs(values: Any) -> Iterator[tuple[int, int]]:
    """All pairs of whole numbers inside tuples and lists."""
    if isinstance(values, (tuple, list)):
        if len(values) == 2 and all(isinstance(value, int) for value in values):
            yield (int(values[0]), int(values[1]))
        for value in values:
            yield from _pairs(value)


def _is_map(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 4


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix and path else prefix or path


def _candidates(backbone: nn.Module, prefix: str) -> Iterator[Tap]:
    """What looks like a block or an embedding; widths and strides are not known yet."""
    inside: tuple[str, ...] = ()  # no look into blocks
    listed = {
        id(child)
        for module in backbone.modules()
        if isinstance(module, (nn.ModuleList, nn.Sequential))
        for child in module
    }
    for path, module in backbone.named_modules():
        kind = type(module).__name__
        if not path or path.startswith(inside) or "Class" in kind:
            inside += (f"{path}.",) if path and "Class" in kind and not path.startswith(inside) else ()
            continue
        second = _second_norm(module)
        full = _joined(prefix, path)
        if second:
            inside += (f"{path}.",)
            yield Tap(f"{path}.token", f"{full}.{second}", "token", 0, 0, at="input")
            yield Tap(f"{path}.channel", full, "channel", 0, 0)
        elif id(module) in listed and _BLOCK.search(kind) and not _holds_blocks(module):
            inside += (f"{path}.",)
            mixes = any(_ATTENTION.search(type(part).__name__) for part in module.modules())
            yield Tap(path, full, "token" if mixes else "conv", 0, 0)
        elif (_EMBEDDING.search(kind) and "Norm" not in kind) or path in ("maxpool", "stem", "patch_embed"):
            yield Tap(path, full, "embed", 0, 0)
    yield Tap("out", prefix, "output", 0, 0)


def _second_norm(module: nn.Module) -> str:
    """The name of the norm before the MLP of a transformer block, or '' if the module is none.

    Blocks of attention without an MLP (AlterNet's) have norms too, but not there.
    """
    children = dict(module.named_children())
    if not any(name in children for name in _MLPS):
        return ""
    if not any(_ATTENTION.search(f"{name} {type(child).__name__}") for name, child in children.items()):
        return ""
    return next((name for name in _SECOND_NORMS if name in children), "")


def _holds_blocks(module: nn.Module) -> bool:
    """Whether there are blocks in lists inside: then this one is a stage."""
    lists = [part for part in module.modules() if isinstance(part, (nn.ModuleList, nn.Sequential))]
    inner = [child for part in lists for child in part if child is not module]
    return any(_BLOCK.search(type(child).__name__) or _second_norm(child) for child in inner)


def _probe(model: nn.Module, wanted: list[Tap], size: tuple[int, int] = PROBE) -> list[Tap]:
    """The taps that run, in order, with stride and width, and one tap for each output of the backbone."""
    _, backbone = backbone_of(model)
    first = next(model.parameters(), torch.zeros(0))
    blank = torch.zeros(1, 3, *size, device=first.device, dtype=first.dtype)
    outputs: Any = None
    with eval_mode(model), torch.no_grad(), TapRecorder(model, [t for t in wanted if t.kind != "output"]) as recorder:
        outputs = backbone(blank)
        seen = dict(recorder.features)
    taps = [_measured(features.tap, features, size) for features in seen.values()]
    for tap in wanted:
        if tap.kind == "output":
            values = outputs if isinstance(outputs, (tuple, list)) else [outputs]
            for index, value in enumerate(values):
                if _is_map(value):
                    named = Tap(f"{tap.name}{index}", tap.module, tap.kind, 0, 0, index=index)
                    taps.append(_measured(named, Features(named, value, (value.shape[2], value.shape[3])), size))
    return taps


def _measured(tap: Tap, features: Features, picture: tuple[int, int]) -> Tap:
    stride = 0
    if features.size is not None:
        stride = round(math.sqrt(picture[0] * picture[1] / (features.size[0] * features.size[1])))
    width = features.tokens.shape[2]
    return Tap(tap.name, tap.module, tap.kind, stride, width, tap.at, tap.index)


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[nn.Module]:
    """Eval mode for a while; afterwards each module is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield model
    finally:
        for module, mode in modes:
            module.training = mode
