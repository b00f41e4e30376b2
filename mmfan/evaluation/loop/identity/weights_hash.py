"""Hash of weights in memory, for models that came from no file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch


def weights_hash(state: Mapping[str, Any]) -> str:
    """Hash of weights in memory, for models that came from no file.

    Args:
        state: A ``state_dict()``: name -> tensor.

    Returns:
        ``'weights-'`` and 64 hexadecimal digits; another text than :func:`file_hash` gives for the same weights.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # as bytes, whatever the type: numpy has no bfloat16
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return f"weights-{digest.hexdigest()}"
