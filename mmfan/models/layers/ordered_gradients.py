"""``ordered_gradients``: batch norms of any model with right gradients, of single pictures on a CPU too.

PyTorch's batch norm on a CPU (seen from 2.1 to 2.13) takes the gradient of a single picture for one of another order
of the channels where its strides come from a view of tokens, as ``flatten(2).transpose(1, 2)`` behind the norm leaves
them: what it passes on is then wrong, without a word. A gradient copied into the plain order is read rightly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def ordered_gradients(model: nn.Module) -> Iterator[None]:
    """Have gradients that reach the batch norms of a model in the plain order, while the context lasts."""
    handles = [one.register_forward_hook(_ordered) for one in model.modules() if isinstance(one, _BatchNorm)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _ordered(module: nn.Module, inputs: Any, output: Any) -> None:
    if isinstance(output, Tensor) and output.requires_grad and output.device.type == "cpu" and len(output) == 1:
        output.register_hook(_plain)


def _plain(gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else gradient.contiguous()  # None: nothing hangs on it, in second derivatives
