"""Safe loading of weight files: no code in them is run, and their tensors are compared with a model's.

Every weight file that mmfan reads comes through :func:`safe_load`. It uses nothing of ``torch.load``: what may be in a
file, and how it is read, is in :mod:`mmfan.models.weight_files`, the same for every version of torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from mmfan.models.weight_files.containers import read_file, refusal, sniff
from mmfan.models.weight_files.errors import CheckpointError
from mmfan.models.weight_files.plain_pickle import PickleError
from mmfan.utils.text import shortlist

__all__ = ["CheckpointError", "compare_states", "misfit", "safe_load"]


def safe_load(path: str | Path, name: str | Path | None = None) -> Any:
    """Read a checkpoint into memory; all its tensors are on the CPU.

    Args:
        path: A file that ``torch.save`` wrote, of any version.
        name: What to call it in messages, if not ``path`` (a URL, say).

    Returns:
        What is in the file. Tensors that are no plain arrays (quantised, sparse, ...) are
        :class:`mmfan.models.weight_files.tensors.NotPlain`.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: The file is truncated or damaged, is no checkpoint, or holds more than data.
    """
    name, path = name or path, Path(path)
    if path.is_dir():
        raise CheckpointError(f"{name} is a folder; a checkpoint is a file.")
    if not path.is_file():
        raise FileNotFoundError(f"The checkpoint {name} does not exist (looked for {path.absolute()}).")
    with path.open("rb") as file:
        start = file.read(512)
        what = sniff(start)
        if what is not None:
            raise CheckpointError(f"The checkpoint {name} {what}.")
        file.seek(0)
        try:
            return read_file(file)
        except PickleError as error:
            raise refusal(name, error, path.stat().st_size) from error


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
