"""Settings of a model while it is judged: precision, windows at once, compiled or not, and batches that run ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from mmfan.evaluation.loop.computing.compiling import compile_options, compiled_parts, telling_of_compiler
from mmfan.evaluation.loop.computing.precision import Precision, choose_precision, device_facts, float32_operators
from mmfan.evaluation.loop.computing.sliding import WINDOWS, windows_at_once
from mmfan.utils.checks import whole_number

AHEAD = 2  # batches that a GPU may have before it; more would only wait there


class Computing:
    """How a model computes while it is judged.

    Args:
        model: On its device; wrappers around it are looked through.
        precision: A name in :data:`mmfan.evaluation.loop.computing.precision.PRECISIONS`; None for what suits device
            and model.
        fp16: mmengine's way to ask for mixed precision, where ``precision`` is None.
        windows: Sliding windows in one forward pass, at most; None for the number in
            :data:`mmfan.evaluation.loop.computing.sliding.WINDOWS`.
        compiled: ``compile`` of a config.

    Raises:
        MMFanError: An argument is out of range.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        precision: str | None = None,
        fp16: bool = False,
        windows: int | None = None,
        compiled: Any = None,
    ) -> None:
        self.model = model
        self.device = next(model.parameters(), torch.empty(0)).device
        self.precision: Precision = choose_precision(model, precision, fp16)
        least = WINDOWS.get(self.device.type, WINDOWS["cuda"])
        self.windows = least if windows is None else whole_number("windows", windows, 1)
        self.compile_options = compile_options(compiled)
        self._prepared = False
        self._running: deque[Any] = deque()

    @property
    def changes(self) -> dict[str, bool]:
        """What the hash of a run's config takes in beside the config; what is False does not count.

        Mixed precision that is no device's own choice has always been in it; every precision stands in the key besides.
        """
        mixed = self.precision.amp is not None and not self.precision.usual
        return {"fp16": mixed, "compiled": self.compile_options is not None}

    @property
    def facts(self) -> dict[str, Any]:
        """What records say beside the precision: of a GPU its name and where TF32 is used; that it is compiled."""
        return device_facts(self.device) | ({} if self.compile_options is None else {"compiled": True})

    def told(self) -> str:
        """A sentence on it, for the log."""
        cure = ""
        if self.precision.usual and self.precision.amp is not None:
            cure = " (what GPUs do where nothing is asked for; --precision fp32 is the other way)"
        more = "".join(f", {name} {value}" for name, value in self.facts.items())
        return f"the model computes in {self.precision.name}{cure}{more}"

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """The context of all forward passes of a run; within itself it does nothing."""
        if self._prepared:
            yield
            return
        self._prepared = True
        try:
            with (
                float32_operators(self.model) if self.precision.amp == torch.bfloat16 else nullcontext(),
                windows_at_once(self.model, self.windows),
                compiled_parts(self.model, self.compile_options),
                copies_behind(self.model, self.device.type == "cuda"),
            ):
                yield
        finally:
            self._prepared = False
            self._running.clear()

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Take a batch through the model: ``step(batch)``.

        On a GPU it returns before the device is done, as long as no more than :data:`AHEAD` batches are before it; so
        the time that a batch takes is spent here, in the pass of a later one.
        """
        telling = nullcontext() if self.compile_options is None else telling_of_compiler()
        with telling, self.precision.autocast():
            found = step(batch)
        if self.device.type == "cuda":
            done = torch.cuda.Event()
            done.record()
            self._running.append(done)
            if len(self._running) > AHEAD:
                self._running.popleft().synchronize()
        return found

    def wait(self) -> None:
        """Wait until the device is done with all batches, for who takes the time."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


@contextmanager
def copies_behind(model: torch.nn.Module, wanted: bool) -> Iterator[None]:
    """Let the model's preprocessors not wait for what they copy to the device, while the context lasts."""
    found: list[Any] = [module for module in model.modules() if wanted and hasattr(module, "_non_blocking")]
    kept = [module._non_blocking for module in found]
    for module in found:
        module._non_blocking = True
    try:
        yield
    finally:
        for module, value in zip(found, kept, strict=True):
            module._non_blocking = value
