"""Hashes of config, weights and pictures, which say what run a score belongs to.

Two records with the same :class:`mmfan.evaluation.results.store.RunKey` are the same measurement, wherever it was
made: the hashes leave out what does not change a prediction
(folders, batch sizes, workers, how weights were initialised).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# Keys of a model or a pipeline that change no prediction of a model whose weights come from a checkpoint.
IRRELEVANT_KEYS = frozenset(
    {"init_cfg", "pretrained", "train_cfg", "backend_args", "file_client_args", "drop_path_rate"}
    | {"with_cp", "recompute"}
)
HASH_LENGTH = 16  # hexadecimal digits: 64 bits, in which a laboratory's runs do not meet by chance


def config_hash(model: Any, pipeline: Any, **more: Any) -> str:
    """Hash of what a config says about predictions.

    Args:
        model: The config of the model, with its test-time augmentation if there is one.
        pipeline: The config of the test pipeline.
        **more: What else changes predictions, e.g. ``fp16=True``; values that are ``None`` or ``False`` do not count,
            so that a new switch leaves old hashes as they are.

    Returns:
        16 hexadecimal digits.

    >>> config_hash(dict(type="A", init_cfg="x.pth"), []) == config_hash(dict(type="A"), [])
    True
    """
    content = {"model": model, "pipeline": pipeline, **{key: value for key, value in more.items() if value}}
    text = json.dumps(_canonical(content), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def _canonical(value: Any) -> Any:
    """The same in JSON's types, without the keys that change no prediction."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items() if key not in IRRELEVANT_KEYS}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    # Classes and functions, which configs in the new style hold: their name, not their address in memory.
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value)


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits; about a second for 1 GB.

    Raises:
        FileNotFoundError: There is no such file.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file: Any) -> str:
    # Python 3.10 has no hashlib.file_digest
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def pictures_hash(names: Iterable[str]) -> str:
    """Which pictures were judged, in any order: how many, and a hash of their names.

    >>> pictures_hash(["b.png", "a.png"])
    '2-1baca9d47fd86b4a'
    """
    listed = sorted(names)
    text = "\n".join(listed)
    return f"{len(listed)}-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:HASH_LENGTH]}"
