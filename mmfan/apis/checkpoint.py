"""Checkpoints of training runs, read without running code from them and compared with a model.

mmengine saves its message hub with every checkpoint, so plain ``weights_only`` loading refuses mmengine's own files.
Here exactly the classes in such files are allowed; a file with any other object is refused, never executed.
"""

from __future__ import annotations

import codecs
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from mmfan.models.safe_load import CheckpointError, allowed, compare_states, misfit, safe_load
from mmfan.utils.text import shortlist

# What numpy's arrays and scalars are pickled with; numpy 1 and 2 keep these functions in different modules.
_RECONSTRUCT, _SCALAR = np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0]
_NUMPY_KINDS = (np.bool_, np.uint8, np.int8, np.int16, np.int32, np.int64, np.float16, np.float32, np.float64)
ALLOWED: list[Any] = [
    HistoryBuffer,
    OrderedDict,
    defaultdict,
    dict,
    list,
    getattr,
    codecs.encode,
    _RECONSTRUCT,
    _SCALAR,
    np.ndarray,
    np.dtype,
    *(type(np.dtype(kind)) for kind in _NUMPY_KINDS),
]


def allow_mmengine_files() -> Any:
    """A context in which ``torch.load`` with ``weights_only`` accepts what mmengine saves, and nothing more."""
    return allowed(ALLOWED)


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
        CheckpointError: It is truncated, is no checkpoint, or holds objects other than weights and numbers.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"The checkpoint {source} does not exist (looked for {source.absolute()}).")
    content = safe_load(source, ALLOWED)
    if not isinstance(content, dict):
        raise CheckpointError(f"Expected {source} to hold a dictionary of weights, got a {type(content).__name__}.")
    return content


def state_of(content: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights in what :func:`read_checkpoint` returned, without DDP's ``module.`` prefix."""
    state = content.get("state_dict", content)
    return {key.removeprefix("module."): value for key, value in state.items() if isinstance(value, torch.Tensor)}


def check_fit(model: Mapping[str, torch.Tensor], content: Mapping[str, Any], path: str | Path) -> list[str]:
    """Check that a checkpoint gives every weight of a model.

    Args:
        model: The model's ``state_dict()``.
        content: What :func:`read_checkpoint` returned.
        path: The file, for the message.

    Returns:
        Names in the file that the model has no use for.

    Raises:
        CheckpointError: Weights are missing or have another shape; they are named.
    """
    missing, unused, misshapen = compare_states(model, state_of(content))
    if missing or misshapen:
        raise CheckpointError(
            f"{path} does not fit this config's model ({misfit(missing, unused, misshapen)}). "
            f"{_what_it_is(model, content)}Was it trained with another config?"
        )
    return unused


def _parts(state: Mapping[str, torch.Tensor]) -> list[str]:
    return sorted({key.partition(".")[0] for key in state})


def _what_it_is(model: Mapping[str, torch.Tensor], content: Mapping[str, Any]) -> str:
    """What tells a checkpoint from the model it does not fit: other parts (a detector's), other classes."""
    text, own, found = "", _parts(model), _parts(state_of(content))
    if own != found:
        text = f"The file holds {', '.join(found)}; the model is made of {', '.join(own)}. "
    classes = trained_classes(content)
    if classes:
        text += f"It was trained for {len(classes)} classes: {shortlist(classes, 8)}. "
    return text


def trained_classes(content: Mapping[str, Any]) -> list[str]:
    """The class names that mmengine saved with a checkpoint; empty if there are none."""
    meta = content.get("meta")
    classes = meta.get("dataset_meta", {}).get("classes") if isinstance(meta, Mapping) else None
    return list(classes) if isinstance(classes, (list, tuple)) else []


def check_classes(content: Mapping[str, Any], tested: Sequence[str], path: str | Path) -> None:
    """Check that a detector is tested on the classes it was trained for, in their order.

    Detection sets are read by the names of categories, so a set with others, or in another order, gives numbers that
    mean nothing although every weight fits.

    Args:
        content: What :func:`read_checkpoint` returned; without class names in it nothing is checked.
        tested: Class names of the set to test on.
        path: The file, for the message.

    Raises:
        CheckpointError: With both lists.
    """
    trained = trained_classes(content)
    if trained and trained != list(tested):
        raise CheckpointError(
            f"{path} was trained for {len(trained)} classes ({shortlist(trained, 8)}), the dataset of this config has "
            f"{len(tested)} ({shortlist(tested, 8)}), and they must be the same in the same order. Set the dataset's "
            "metainfo=dict(classes=...) to those of the checkpoint."
        )
