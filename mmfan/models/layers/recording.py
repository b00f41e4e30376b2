"""Whether PyTorch records operations instead of merely computing: tracing, exporting, compiling.

What is recorded is replayed at other sizes and without Python, so the layers then take their plain form: no loops over
pieces, nothing written in place into a tensor made before, and no choice that hangs on the size of a map.
"""

from __future__ import annotations

import torch
from torch import Tensor

# torch 2.1 has it under its private name alone
is_compiling = getattr(torch.compiler, "is_compiling", None) or torch._utils.is_compiling
_is_exporting = getattr(torch.compiler, "is_exporting", None) or is_compiling  # from torch 2.7 on


def is_traced() -> bool:
    """Whether a graph is recorded that outlives this process: ``torch.jit.trace``, ``torch.export``, ``torch.onnx``."""
    return torch.jit.is_tracing() or _is_exporting()


def is_recorded() -> bool:
    """The same, or ``torch.compile`` is at work."""
    return torch.jit.is_tracing() or is_compiling()


def in_multiples(x: Tensor, stride: int) -> Tensor:
    """The map ``(B, C, H, W)``, in a form that fails when it is replayed with sides that are no multiples of a stride.

    A check in Python is not recorded; without this a map of another size would silently lose its last rows and columns.
    """
    return x.unflatten(3, (-1, stride)).unflatten(2, (-1, stride)).flatten(4, 5).flatten(2, 3)
