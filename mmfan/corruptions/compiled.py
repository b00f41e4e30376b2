"""``compiled``: numba's ``njit`` that keeps the machine code for the next process, if it can be kept anywhere.

It is kept in ``NUMBA_CACHE_DIR``, beside the source, or in the user's cache folder. In a container that runs as another
user and has no home none of them may exist; numba then refuses to define the function, here it is compiled anew in
each process.

Numba notices when the file of a function changes, but not when a function changes that it calls and that lies in
another file: after working on ``draws.py``, remove ``mmfan/corruptions/__pycache__``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function of numbers and arrays at its first call; strict IEEE arithmetic, one thread."""
    return _compiled(function)


def inlined(function: Function) -> Function:
    """The same for a small function that is to become part of those that call it."""
    return _compiled(function, inline="always")


def vectorised(function: Function) -> Function:
    """As :func:`compiled`, but a division by zero gives infinity and no error: what loops of many lanes need."""
    return _compiled(function, error_model="numpy")


def _compiled(function: Function, **options: Any) -> Function:
    try:
        result: Function = njit(cache=True, **options)(function)
    except RuntimeError:  # there is no place to keep it
        result = njit(**options)(function)
    return result
