"""A module of torch on its device, in its precision: called in evaluation, without gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from mmfan.errors import WrongTypeError

if TYPE_CHECKING:
    import torch


class PlacedModule:
    """A module where it computes.

    Args:
        module: The module. It is set to evaluation, and stays so.
        device: Where to move it; None leaves it where it is.
        dtype: The precision to turn it to; None leaves it.
        autocast: The precision of automatic mixed precision; None for none.

    Attributes:
        device: Where it is.
        dtype: The precision of its parameters.

    Raises:
        WrongTypeError: It is no module.
    """

    def __init__(self, module: torch.nn.Module, device: Any = None, dtype: Any = None, autocast: Any = None) -> None:
        import torch

        if not isinstance(module, torch.nn.Module):
            raise WrongTypeError(f"Expected a torch.nn.Module, got {type(module).__name__}.")
        self.module = module if device is None and dtype is None else module.to(device=device, dtype=dtype)
        self._evaluate()  # a part that was put in later may train where the whole does not
        first = next((one for one in module.parameters() if one.is_floating_point()), torch.empty(0))
        self.device = first.device if device is None else torch.device(device)
        self.dtype, self.autocast = dtype or first.dtype, autocast

    def call(self, *inputs: Any, **named: Any) -> Any:
        """What the module returns."""
        import torch

        with torch.inference_mode(), self.at_work():
            return self.module(*inputs, **named)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The module in evaluation, and in its mixed precision if it has one."""
        import torch

        if getattr(self.module, "training", False):  # somebody has trained it in between; frozen ones do not say
            self._evaluate()
        with torch.autocast(self.device.type, self.autocast) if self.autocast is not None else nullcontext():
            yield

    def _evaluate(self) -> None:
        import torch

        try:
            self.module.eval()
        except NotImplementedError:
            if not isinstance(self.module, torch.fx.GraphModule):
                raise
            # what torch.export made has no other mode than the one it was exported in
