"""mmengine's loading of weights, led through mmfan's reader while a command of mmfan is at work.

Weights come into a run by many doors: ``load_from``, ``resume``, ``init_cfg`` of any part of a model, ``pretrained``, a
teacher's checkpoint. In mmengine, mmsegmentation and mmdetection all of them end in
``CheckpointLoader.load_checkpoint``, which builds whatever a file asks for, at the latest when it finds no other way.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import torch
from mmengine.logging import print_log
from mmengine.runner import checkpoint as mmengine_checkpoint

from mmfan.apis.checkpoint import read_checkpoint
from mmfan.models.safe_load import CheckpointError
from mmfan.models.weight_files.checks import check_usable, problems_of, refuse

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def own_reader(ready: Mapping[str, Any] | None = None) -> Iterator[None]:
    """While it lasts, mmengine reads weights through mmfan's reader, and a copy that fails is an error.

    What was there before is there again afterwards, whatever happened. Loaders that others registered for prefixes of
    their own stay registered, and are not asked.

    Args:
        ready: Contents that were read already, by the name that they will be asked for.
    """
    loader = mmengine_checkpoint.CheckpointLoader
    load_file, load_state = vars(loader)["load_checkpoint"], mmengine_checkpoint.load_state_dict
    sources = ["The file"]

    def load_checkpoint(cls: type, filename: Any, map_location: Any = None, logger: Any = "current") -> Any:
        sources[:] = [str(filename)]
        if ready is not None and str(filename) in ready:
            return ready[str(filename)]
        print_log(f"Loads checkpoint from {filename}", logger=logger)
        return _content_for_mmengine(str(filename))

    def load_state_dict(module: torch.nn.Module, state_dict: Any, strict: bool = False, logger: Any = None) -> None:
        refuse(problems_of(state_dict, inner_model(module).state_dict()), sources[0])
        _load_or_fail(load_state, sources[0], module, state_dict, strict, logger)

    loader.load_checkpoint = classmethod(load_checkpoint)
    mmengine_checkpoint.load_state_dict = load_state_dict
    try:
        yield
    finally:
        loader.load_checkpoint = load_file
        mmengine_checkpoint.load_state_dict = load_state


def with_own_reader(function: Callable[P, R]) -> Callable[P, R]:
    """A function that runs within :func:`own_reader`."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with own_reader():
            return function(*args, **kwargs)

    return guarded


def inner_model(model: torch.nn.Module) -> torch.nn.Module:
    """The model inside DDP and test-time-augmentation wrappers."""
    while isinstance(inner := getattr(model, "module", None), torch.nn.Module):
        model = inner
    return model


def _content_for_mmengine(source: str) -> dict[str, Any]:
    """What is in a file, checked; with mmcls's prefix the backbone alone, as mmengine has it."""
    content = read_checkpoint(source)
    check_usable(content, source)
    if source.startswith("mmcls://"):
        state = content.get("state_dict", content)
        own = {key.removeprefix("backbone."): state[key] for key in state if str(key).startswith("backbone.")}
        return {"state_dict": own}
    return without_program(content)


def without_program(content: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint without the config of old mmcv in it, which ``Runner.resume`` would run as Python."""
    meta = content.get("meta")
    if isinstance(meta, dict):
        meta.pop("config", None)
    return content


def _load_or_fail(load: Callable[..., None], source: str, *args: Any) -> None:
    """Call mmengine's function for copying weights, which logs what it could not copy and goes on."""
    *rest, logger = args
    heard = _Heard()
    load(*rest, heard)
    for message in heard.messages:
        failed = [line.strip() for line in message.splitlines() if "While copying the parameter" in line]
        if failed:
            raise CheckpointError(f"{source}: {len(failed)} weights could not be copied. {failed[0]}")
        print_log(message, logger=logger, level=logging.WARNING)


class _Heard(logging.Logger):
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("mmfan.weights")
        self.messages: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.messages.append(record.getMessage())
