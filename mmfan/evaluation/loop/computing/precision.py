"""Precision that a model is judged in: what was asked for, else what suits its device and its operators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from mmfan.errors import MMFanError

# By name, the type that autocast computes in; None where the model computes in the type of its weights.
PRECISIONS: dict[str, torch.dtype | None] = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Precision:
    """What a model computes in.

    Attributes:
        device: Kind of its device: ``'cpu'``, ``'cuda'``.
        weights: Type of its weights.
        amp: The type that autocast computes in; None without it.
        usual: Whether that is what a run has that asks for nothing.
    """

    device: str
    weights: torch.dtype
    amp: torch.dtype | None
    usual: bool

    @property
    def name(self) -> str:
        """As it stands in a record: ``'float32'``, ``'bfloat16'``."""
        return str(self.amp or self.weights).removeprefix("torch.")

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass."""
        return nullcontext() if self.amp is None else torch.autocast(self.device, self.amp)


def choose_precision(model: torch.nn.Module, asked: str | None = None, fp16: bool = False) -> Precision:
    """What a model is judged in.

    Without a word that is bfloat16 on a CUDA device that has it in its hardware (compute capability 8.0 on), and the
    type of the weights on a CPU, and for models with compiled operators of mmcv, which have no bfloat16 form.

    Args:
        model: On its device.
        asked: A name in :data:`PRECISIONS`.
        fp16: mmengine's way to ask, as configs have it, where ``asked`` is None: float16, and bfloat16 on a CPU.

    Raises:
        MMFanError: There is no such precision, or not on a CPU.
    """
    if asked not in (None, *PRECISIONS):
        raise MMFanError(f"Expected `precision` to be one of {', '.join(PRECISIONS)}, got {asked!r}.")
    parameter = next(model.parameters(), torch.empty(0))
    kind = parameter.device.type
    if asked == "fp16" and kind == "cpu":
        raise MMFanError("precision='fp16' needs a GPU: on a CPU take 'bf16', or leave it out.")
    usual = usual_amp(model, parameter.device)
    if asked is not None:
        amp = PRECISIONS[asked]
    else:
        amp = usual if not fp16 else torch.bfloat16 if kind == "cpu" else torch.float16
    return Precision(kind, parameter.dtype, amp, amp == usual)


def usual_amp(model: torch.nn.Module, device: torch.device) -> torch.dtype | None:
    """The type that autocast computes in where nothing is asked for; None without it."""
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0):
        return None
    return None if any(map(_takes_float32, model.modules())) else torch.bfloat16


def tf32_text() -> str:
    """Where float32 is computed in TF32 on a CUDA device: ``'convolutions'``, ``'matrix products'``, both or ``'off'``.

    torch allows it for convolutions unless it is told otherwise.
    """
    found = ["convolutions"] if torch.backends.cudnn.allow_tf32 else []
    found += ["matrix products"] if torch.get_float32_matmul_precision() != "highest" else []
    return " and ".join(found) or "off"


def device_facts(device: torch.device) -> dict[str, str]:
    """What a record says of the device beside the precision; nothing of a CPU."""
    if device.type != "cuda":
        return {}
    return {"device": torch.cuda.get_device_name(device), "tf32": tf32_text()}


@contextmanager
def float32_operators(model: torch.nn.Module) -> Iterator[None]:
    """Hand float32 to mmcv's operators and take it from the heads of detectors, while the context lasts.

    mmcv's compiled operators (RoIAlign, NMS) have no bfloat16 form. Modules of ``mmcv.ops`` get float32 inputs; NMS is
    a function that sees what heads give, so the outputs of heads (what has a ``predict_by_feat``) are float32, which
    suits boxes and losses anyway.

    Args:
        model: The model that is about to run; models without such modules are left alone.
    """
    hooks = []
    for module in model.modules():
        if not _takes_float32(module):
            continue
        if hasattr(module, "predict_by_feat"):
            hooks.append(module.register_forward_hook(lambda _, __, outputs: _to_float32(outputs)))
        else:
            hooks.append(module.register_forward_pre_hook(lambda _, inputs: _to_float32(inputs)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _takes_float32(module: torch.nn.Module) -> bool:
    # mmdet's extractors of regions make the map that RoIAlign's results go into from their own input
    operator = type(module).__module__.startswith("mmcv.ops") or hasattr(module, "roi_layers")
    # heads of segmentors have a predict_by_feat too, and nothing of mmcv's behind it
    return operator or (hasattr(module, "predict_by_feat") and not hasattr(module, "conv_seg"))


def _to_float32(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16:
        return value.float()
    if isinstance(value, (tuple, list)):
        return type(value)(map(_to_float32, value))
    return value
