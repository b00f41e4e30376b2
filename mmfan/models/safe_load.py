"""Safe loading of weight files: no code in them is run, and their tensors are compared with a model's.

``torch.load`` with ``weights_only`` builds tensors and plain containers and refuses every other class, apart from those
it is told to allow. Official checkpoints and training runs need different ones; both are read through here.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmfan.errors import MMFanError
from mmfan.utils.text import shortlist

# What torch's unpickler raises on bytes that are no checkpoint, found by feeding it truncated and random files.
BROKEN = (
    RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, struct.error,
    zipfile.BadZipFile,
)  # fmt: skip


class CheckpointError(MMFanError):
    """A checkpoint cannot be read, or does not hold the weights of the model it is meant for."""


@contextlib.contextmanager
def allowed(classes: Sequence[Any]) -> Iterator[None]:
    """Let ``weights_only`` loading accept some classes and functions, while the context lasts."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals(list(classes))
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def safe_load(path: Path, classes: Sequence[Any], name: str | Path | None = None) -> Any:
    """Read a checkpoint on the CPU; tensors are mapped from disk where the format allows.

    Args:
        path: An existing file.
        classes: What it may hold beside tensors, numbers, strings and containers.
        name: What to call it in messages, if not ``path`` (a URL, say).

    Raises:
        CheckpointError: The file is truncated, is no checkpoint, or holds other objects.
    """
    name = name or path
    try:
        # files in the format before torch 1.6 cannot be mapped
        with allowed(classes):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        what = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise CheckpointError(
            f"Refused to load {name}: it holds something other than weights and numbers, or is no checkpoint"
            + (f" (it asks for `{what.group(1)}`, which could run code)" if what else "")
            + ". If you made it, save its `state_dict` alone: "
            "torch.save(torch.load(FILE, weights_only=False)['state_dict'], NEW_FILE)."
        ) from error
    except BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"Could not read {name} ({path.stat().st_size} bytes); it is truncated or no checkpoint: {reason}"
        ) from error


def compare_states(model: Mapping[str, Tensor], loaded: Mapping[str, Tensor]) -> tuple[list[str], list[str], list[str]]:
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


def misfit(missing: Sequence[str], unused: Sequence[str], misshapen: Sequence[str]) -> str:
    """The lists of :func:`compare_states` in words; empty lists are left out.

    >>> misfit(["a", "b"], [], ["c (model (1,), file (2,))"])
    '2 missing: a, b; 1 of another shape: c (model (1,), file (2,))'
    """
    kinds = (("missing", missing), ("of another shape", misshapen), ("not used", unused))
    return "; ".join(f"{len(names)} {kind}: {shortlist(names, 6)}" for kind, names in kinds if names)
