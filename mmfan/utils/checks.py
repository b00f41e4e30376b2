"""Checks of arguments that many rooms share."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmfan.errors import MMFanError, WrongTypeError


def whole_number(name: str, value: Any, least: int | None = None) -> int:
    """A whole number as Python's int: integers of NumPy pass, booleans and floats do not.

    Args:
        name: Of the argument, for the message.
        value: What was given.
        least: The smallest allowed; none by default.

    Raises:
        WrongTypeError: It is no whole number.
        MMFanError: It is less than ``least``.
    """
    expected = f"Expected `{name}` to be a whole number" + ("" if least is None else f" of at least {least}")
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise WrongTypeError(f"{expected}, got {value!r:.80}.")
    if least is not None and number < least:
        raise MMFanError(f"{expected}, got {value!r:.80}.")
    return number


def list_of(kind: type, name: str, value: Any) -> list[Any]:
    """A list, or another sequence, as Python's list; a text is none.

    Args:
        kind: Class of what is in it; ``object`` for anything.
        name: Of the argument, for the message.
        value: What was given.

    Raises:
        WrongTypeError: It is no sequence, or holds something else.

    >>> list_of(str, "names", ("a", "b"))
    ['a', 'b']
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise WrongTypeError(f"Expected `{name}` to be a list, got {value!r:.80}.")
    others = [item for item in value if not isinstance(item, kind)]
    if others:
        raise WrongTypeError(f"Expected `{name}` to be a list of {kind.__name__}, got {others[0]!r:.80} in it.")
    return list(value)
