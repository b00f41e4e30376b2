"""Backbones, necks, heads and the reading of official weights.

The parts in :mod:`mmfan.models.layers` need torch alone; the classes that build on OpenMMLab are in
:mod:`mmfan.models.registered` and are loaded when one of them is first asked for.
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("mmfan.models.registered"), name)
