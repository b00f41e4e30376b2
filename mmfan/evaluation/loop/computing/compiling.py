"""Compiled forms of a model's parts, as ``compile`` of a config asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from mmfan.errors import ConfigError, MMFanError

# What of a model of OpenMMLab goes from tensors to tensors; around these are lists, sizes and names of pictures.
PARTS = ("backbone", "neck", "decode_head")


def compile_options(asked: Any) -> dict[str, Any] | None:
    """Arguments of ``torch.compile`` from what a config's ``compile`` says, as mmengine reads it; None without it.

    Raises:
        ConfigError: It is neither a boolean nor a dict.
    """
    if asked is None or asked is False:
        return None
    if asked is True:
        return {}
    if isinstance(asked, Mapping):
        return dict(asked)
    raise ConfigError(f"Expected compile=True, or a dict of arguments of torch.compile, got {asked!r:.80}.")


@contextmanager
def compiled_parts(model: torch.nn.Module, options: Mapping[str, Any] | None) -> Iterator[None]:
    """Have the parts of a model compiled at their first call, while the context lasts.

    Args:
        model: Any model of OpenMMLab: what has a backbone is compiled by its :data:`PARTS`.
        options: From :func:`compile_options`.

    Raises:
        MMFanError: The model has no such parts, or the options name no compiler.
    """
    if options is None:
        yield
        return
    parts = _parts_of(model)
    if not parts:
        raise MMFanError(f"{type(model).__name__} has no backbone that could be compiled: leave out compile=True.")
    with telling_of_compiler():
        try:
            compiled = [torch.compile(part.forward, **options) for part in parts]
        except TypeError as error:  # arguments that it does not take
            raise ConfigError(f"compile={dict(options)!r} of the config cannot be used: {error}.") from error
    for part, function in zip(parts, compiled, strict=True):
        part.forward = function
    try:
        yield
    finally:
        for part in parts:
            del part.forward


@contextmanager
def telling_of_compiler() -> Iterator[None]:
    """Say in words for a user that the compiler fails, which it does in a forward pass.

    Raises:
        MMFanError: It does; other errors pass as they are.
    """
    try:
        yield
    except RuntimeError as error:
        if not _is_of_compiler(error):
            raise
        raise MMFanError(
            f"The model cannot be compiled: {type(error).__name__}: {_first_line(error)} Leave out --compile, or set "
            "compile=False, to judge it as it is."
        ) from error


def _parts_of(model: torch.nn.Module) -> list[Any]:
    """The parts of the outermost modules that have a backbone; what these hold may have one of its own."""
    found: list[Any] = []
    inner: set[int] = set()
    for module in model.modules():  # the outer ones come first
        if id(module) in inner or not isinstance(getattr(module, "backbone", None), torch.nn.Module):
            continue
        inner |= {id(one) for one in module.modules()}
        parts = [getattr(module, name, None) for name in PARTS]
        # a cascade's heads are a list, without a pass of its own
        found += [one for one in parts if isinstance(one, torch.nn.Module) and not isinstance(one, torch.nn.ModuleList)]
    return found


def _is_of_compiler(error: BaseException) -> bool:
    return any(kind.__module__.startswith(("torch._dynamo", "torch._inductor")) for kind in type(error).__mro__)


def _first_line(error: BaseException) -> str:
    line = next(iter(str(error).strip().splitlines()), "")
    return f"{line[:300].rstrip('.:')}."
