"""Checks of arguments that many rooms share."""

from __future__ import annotations

import operator
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
