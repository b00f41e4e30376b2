"""Lazy faces: packages that offer names of their modules and import a module when one of its names is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_face(
    package: str, offers: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What a package's ``__init__`` needs to offer names of its modules without importing them.

    To be unpacked: ``__getattr__, __dir__, __all__ = lazy_face(__name__, {"module": ["name"]})``. No name may be that
    of a module of the package: an imported module takes the place of the name.

    Args:
        package: The package's ``__name__``.
        offers: Module within the package -> the names it offers.

    Returns:
        ``__getattr__``, ``__dir__`` and ``__all__``.
    """
    home = {name: module for module, names in offers.items() for name in names}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home})

    return get, listing, sorted(home)
