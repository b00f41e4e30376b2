"""Datasets, pipeline steps, and the preparation of sets.

The preparation (``prepare``, ``corrupted``, ``miniature``) needs no OpenMMLab package and starts at once; the classes
that build on one are in :mod:`mmfan.datasets.registered` and are loaded when one of them is first asked for.
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("mmfan.datasets.registered"), name)
