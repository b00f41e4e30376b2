"""Whether weights can be used: plain arrays, of numbers, of the model's kind of type.

torch copies a boolean or complex tensor into a floating-point one without a word, and mmengine prints that a copy
failed and goes on with random weights. So both are looked for before anything is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from mmfan.models.weight_files.errors import CheckpointError
from mmfan.models.weight_files.tensors import NotPlain

STATES = ("state_dict", "ema_state_dict", "state_dict_ema", "model", "model_ema")
MOST_NAMED = 6
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def states_of(content: Any) -> Iterator[Mapping[str, Any]]:
    """The dictionaries of weights in what a file holds; the whole, where it has no parts."""
    if not isinstance(content, Mapping):
        return
    parts = [content[name] for name in STATES if isinstance(content.get(name), Mapping)]
    yield from parts or [content]


def problem_of(name: str, value: Any, own: Tensor | None = None) -> str | None:
    """Why a weight cannot be used, in words; None if it can.

    Args:
        name: Its key.
        value: What the file holds.
        own: The model's weight of this name and shape, where there is one.
    """
    if isinstance(value, NotPlain):
        return value.what
    if not isinstance(value, Tensor):
        return None
    if value.dtype not in (*FLOATS, *INTEGERS, torch.bool):
        return _spoken(value.dtype)
    last = name.rpartition(".")[2]
    if own is not None and own.dtype in INTEGERS and value.dtype in FLOATS and bool((value == value.round()).all()):
        return None  # counts and indices that a converter saved as floats
    if own is not None and _kind(own.dtype) != _kind(value.dtype):
        return f"{_spoken(value.dtype)} (model {_spoken(own.dtype)})"
    if own is None and last in ("weight", "bias", "running_mean", "running_var") and value.dtype not in FLOATS:
        return _spoken(value.dtype)
    # a mask of attention may hold -inf where nothing is seen
    if value.dtype in FLOATS and not (_finite(value) or ("mask" in last and not value.isnan().any())):
        return "not finite (NaN or Inf)"
    return None


def _spoken(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _kind(dtype: torch.dtype) -> str:
    if dtype in FLOATS:
        return "float"
    return "bool" if dtype is torch.bool else "integer" if dtype in INTEGERS else str(dtype)


def _finite(values: Tensor) -> bool:
    """Whether all are; by their sum, which is quicker, unless that is too large itself."""
    wide = torch.float64 if values.dtype is torch.float64 else torch.float32
    return bool(values.sum(dtype=wide).isfinite()) or bool(values.isfinite().all())


def problems_of(state: Mapping[str, Any], model: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with some weights, ``name: why``.

    Args:
        state: Of a file.
        model: The model's own; only its weights are looked at, where the shape is the same.
    """
    found = []
    for name, value in state.items():
        own = None if model is None else model.get(name)
        if model is not None and (own is None or getattr(value, "shape", own.shape) != own.shape):
            continue
        why = problem_of(str(name), value, own)
        if why is not None:
            found.append(f"{name}: {why}")
    return found


def check_usable(content: Any, source: object) -> None:
    """Refuse a file with weights that could not be copied, or would be nonsense.

    Args:
        content: What a file holds.
        source: The file, for the message.

    Raises:
        CheckpointError: Names the weights.
    """
    refuse([problem for state in states_of(content) for problem in problems_of(state)], source)


def refuse(problems: list[str], source: object) -> None:
    """Raise the error for what :func:`problems_of` found, if anything.

    Raises:
        CheckpointError: There is something.
    """
    if problems:
        more = f" and {len(problems) - MOST_NAMED} more" if len(problems) > MOST_NAMED else ""
        raise CheckpointError(
            f"{source} holds weights that cannot be used; nothing was loaded. Expected plain arrays of finite "
            f"numbers of the model's types, got {'; '.join(problems[:MOST_NAMED])}{more}."
        )
