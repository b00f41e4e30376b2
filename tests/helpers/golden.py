"""Deterministic weights, inputs and samples behind the stored outputs in ``tests/data/fan_golden_tiny.npz``.

The rule is written out in ``tests/data/README.md``. Every tensor depends on its name and shape alone, so two
implementations with the same key names get the same weights without a checkpoint file.
"""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

DATA = Path(__file__).parents[1] / "data"


def golden_weight(key: str, shape: Sequence[int]) -> Tensor:
    """The weight of one state-dict key.

    Args:
        key: Official name of the tensor, without a ``backbone.`` prefix.
        shape: Its shape.

    Returns:
        float32 tensor of that shape (int64 zero for ``num_batches_tracked``).
    """
    if key.endswith("num_batches_tracked"):
        return torch.zeros(tuple(shape), dtype=torch.long)
    n = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(tuple(shape))
    if key.endswith("running_var"):
        n = 1 + 0.1 * np.abs(n)
    elif key.endswith("running_mean"):
        n = 0.1 * n
    elif key.endswith("cls_token"):
        n = 0.02 * n
    elif len(shape) >= 2 and not key.endswith("temperature"):
        n = n / np.sqrt(np.prod(shape[1:]))
    elif key.endswith("bias"):
        n = 0.1 * n
    else:
        n = 1 + 0.1 * n
    return torch.from_numpy(np.asarray(n, dtype=np.float32))


def golden_state(keys_and_shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """A whole state dict; ``{key: shape}`` or a module's ``state_dict()`` (only its shapes are read)."""
    return {
        key: golden_weight(key, tuple(value.shape) if isinstance(value, Tensor) else tuple(value))
        for key, value in keys_and_shapes.items()
    }


def golden_input(h: int, w: int) -> Tensor:
    """The picture of height ``h`` and width ``w`` pixels: float32 of shape (1, 3, h, w), standard normal."""
    n = np.random.default_rng(h * 10000 + w).standard_normal((1, 3, h, w))
    return torch.from_numpy(n.astype(np.float32))


def golden_sample(t: Tensor) -> Tensor:
    """The stored part of a (1, C, H, W) map: about 16 channels, every third row and column."""
    return t[:, :: max(1, t.shape[1] // 16), ::3, ::3]


@cache
def golden_outputs() -> dict[str, np.ndarray]:
    """All stored arrays by name (``<model>/<h>x<w>/<what>``, and ``<name>/shape`` for the full shape of a map)."""
    with np.load(DATA / "fan_golden_tiny.npz", allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


@cache
def golden_keys() -> dict[str, dict[str, list[int]]]:
    """``{model: {key: shape}}`` of the published implementations."""
    with gzip.open(DATA / "fan_state_dict_keys.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def relative_error(ours: Tensor | np.ndarray, theirs: Tensor | np.ndarray) -> float:
    """Largest absolute difference over the largest absolute value of ``theirs``; infinite where shapes differ."""
    a, b = (np.asarray(t.detach() if isinstance(t, Tensor) else t, dtype=np.float64) for t in (ours, theirs))
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a - b).max() / np.abs(b).max())
