"""Mixed precision on the CPU: mmengine's ``AmpOptimWrapper`` refuses to start without a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS

from mmfan.errors import ConfigError
from mmfan.evaluation.loop.computing.precision import float32_operators
from mmfan.utils.type_names import full_name, package_and_name

OWN = ("", "mmengine", "mmfan")  # where the wrappers live that are known; what others call so is theirs


@OPTIM_WRAPPERS.register_module(name="CPUAmpOptimWrapper")
class CPUAmpOptimWrapper(OptimWrapper):
    """An ``OptimWrapper`` whose forward passes run under ``torch.autocast('cpu', torch.bfloat16)``.

    bfloat16 has the exponent range of float32, so no loss scaling is needed. Weights and gradients stay float32, and so
    does what detectors do between their layers, see :func:`float32_operators`.
    """

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """The context of a forward pass, as mmengine's Runner uses it."""
        with super().optim_context(model), float32_operators(model), torch.autocast("cpu", torch.bfloat16):
            yield
        # torch 2.1, once it has compiled a model, takes itself to be inside an outer context for good and would keep
        # the cast weights of this pass for all that follow.
        torch.clear_autocast_cache()


def is_amp(wrapper: Mapping[str, Any] | None) -> bool:
    """Whether the config of an optimiser wrapper is of mmengine's ``AmpOptimWrapper``."""
    package, name = package_and_name((wrapper or {}).get("type"))
    return package in OWN and name == "AmpOptimWrapper"


def use_amp(cfg: Config, accelerator: bool) -> str:
    """Change a config's optimiser wrapper to its mixed-precision form, in place.

    Args:
        cfg: A config with ``optim_wrapper``.
        accelerator: Whether training runs on a GPU.

    Returns:
        What is used, for the log.

    Raises:
        ConfigError: There is no optimiser, or its wrapper is of a kind that has no mixed-precision form.
    """
    wrapper: dict[str, Any] | None = cfg.get("optim_wrapper")
    if wrapper is None:
        raise ConfigError("Mixed precision needs a config with `optim_wrapper`; this one cannot be trained.")
    kind = wrapper.get("type", "OptimWrapper")
    package, name = package_and_name(kind)
    if package not in OWN or name not in ("OptimWrapper", "AmpOptimWrapper", "CPUAmpOptimWrapper"):
        raise ConfigError(
            "Mixed precision can only be switched on where optim_wrapper.type is 'OptimWrapper', got "
            f"{full_name(kind)!r}."
        )
    if accelerator:
        wrapper["type"] = "AmpOptimWrapper"
        wrapper.setdefault("loss_scale", "dynamic")
        return f"mixed precision: {wrapper.get('dtype', 'float16')} with loss scaling"
    wrapper["type"] = "CPUAmpOptimWrapper"
    for key in ("loss_scale", "dtype", "use_fsdp"):
        wrapper.pop(key, None)
    return "mixed precision: bfloat16 on the CPU, no loss scaling"
