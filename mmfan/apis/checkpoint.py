"""Reading checkpoints of training runs without running code from them, and comparing them with a model.

mmengine saves its message hub with every checkpoint, so plain ``weights_only`` loading refuses mmengine's own files.
Here exactly the classes in such files are allowed; a file with any other object is refused, never executed.
"""

from __future__ import annotations

import codecs
import pickle
import struct
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

# What numpy's arrays and scalars are pickled as; numpy 1 and 2 name the same functions differently.
_NUMPY_CORE = np._core if hasattr(np, "_core") else np.core
_NUMPY_KINDS = (np.bool_, np.uint8, np.int8, np.int16, np.int32, np.int64, np.float16, np.float32, np.float64)
ALLOWED: list[Any] = [
    HistoryBuffer,
    OrderedDict,
    defaultdict,
    dict,
    list,
    getattr,
    codecs.encode,
    _NUMPY_CORE.multiarray._reconstruct,
    _NUMPY_CORE.multiarray.scalar,
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in _NUMPY_KINDS),
]
# What torch's unpickler raises on bytes that are no checkpoint, found by feeding it truncated and random files.
BROKEN = (
    RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, struct.error,
    zipfile.BadZipFile,
)  # fmt: skip


class CheckpointFileError(ValueError):
    """A checkpoint cannot be read, or does not fit the model; the message names the file and the keys."""


def allow_mmengine_files() -> Any:
    """A context in which ``torch.load`` with ``weights_only`` accepts what mmengine saves, and nothing more."""
    return torch.serialization.safe_globals(ALLOWED)


def is_remote(path: str | Path) -> bool:
    """Whether mmengine would fetch ``path`` (``https://...``, ``open-mmlab://...``) rather than open it."""
    return "://" in str(path)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint file on the CPU.

    Args:
        path: A file written by mmengine, or a plain dictionary of tensors.

    Returns:
        What is in the file; the weights are ``file.get('state_dict', file)``. Tensors are mapped from disk where the
        format allows, so that reading only the rest is quick.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointFileError: It is truncated, is no checkpoint, or holds objects other than weights and numbers.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"The checkpoint {source} does not exist (looked for {source.absolute()}).")
    try:
        # Files in the format before torch 1.6 cannot be mapped.
        mapped = zipfile.is_zipfile(source)
        with allow_mmengine_files():
            content = torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise CheckpointFileError(
            f"{source} holds something other than weights and numbers, or is no checkpoint, and was not loaded "
            f"(loading it could run code from it). If you made it, save its `state_dict` alone. torch says: "
            f"{str(error).splitlines()[0]}"
        ) from error
    except BROKEN as error:
        raise CheckpointFileError(
            f"{source} ({source.stat().st_size} bytes) cannot be read; it is truncated or no checkpoint: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointFileError(f"Expected {source} to hold a dictionary of weights, got a {type(content).__name__}.")
    return content


def state_of(content: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights in what :func:`read_checkpoint` returned, without DDP's ``module.`` prefix."""
    state = content.get("state_dict", content)
    return {key.removeprefix("module."): value for key, value in state.items() if isinstance(value, torch.Tensor)}


def _some(names: list[str], most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def compare_states(
    model: Mapping[str, torch.Tensor], loaded: Mapping[str, torch.Tensor]
) -> tuple[list[str], list[str], list[str]]:
    """Compare a model's weights with those of a file.

    Args:
        model: The model's ``state_dict()``.
        loaded: The weights read.

    Returns:
        Names that the file lacks, names that the model has no use for, and descriptions of those whose shape differs.
        BatchNorm's ``num_batches_tracked`` is not missed: old files lack it and it changes no output.
    """
    missing = [key for key in model if key not in loaded and not key.endswith("num_batches_tracked")]
    unused = [key for key in loaded if key not in model]
    misshapen = [
        f"{key} (model {tuple(model[key].shape)}, file {tuple(loaded[key].shape)})"
        for key in model
        if key in loaded and model[key].shape != loaded[key].shape
    ]
    return missing, unused, misshapen


def check_fit(model: Mapping[str, torch.Tensor], content: Mapping[str, Any], path: str | Path) -> list[str]:
    """Check that a checkpoint gives every weight of a model.

    Args:
        model: The model's ``state_dict()``.
        content: What :func:`read_checkpoint` returned.
        path: The file, for the message.

    Returns:
        Names in the file that the model has no use for.

    Raises:
        CheckpointFileError: Weights are missing or have another shape; they are named.
    """
    missing, unused, misshapen = compare_states(model, state_of(content))
    problems = []
    if missing:
        problems.append(f"{len(missing)} missing: {_some(missing)}")
    if misshapen:
        problems.append(f"{len(misshapen)} of another shape: {_some(misshapen, 3)}")
    if problems:
        if unused:
            problems.append(f"{len(unused)} not used: {_some(unused)}")
        raise CheckpointFileError(
            f"{path} does not fit this config's model ({'; '.join(problems)}). Was it trained with another config?"
        )
    return unused
