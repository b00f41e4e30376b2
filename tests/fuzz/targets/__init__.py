"""Targets: what makes an input from random numbers, and the doors that it is then taken through."""

import random
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

from fuzz.judged import Door

# target -> how many of a hundred trials are its own; each is a class `Target` of the module of its name
SHARES = {
    "weights": 24,
    "pictures": 26,
    "annotations": 12,
    "results": 12,
    "set_states": 9,
    "small_states": 7,
    "configs": 5,
    "names": 5,
}


class FuzzTarget(Protocol):
    """One kind of input."""

    def make(self, rng: random.Random, folder: Path) -> None:
        """Write an input into a folder; the same for the same numbers."""

    def doors(self, folder: Path) -> Iterable[Door]:
        """The functions of mmfan that are given the input."""


@cache
def open_target(name: str) -> FuzzTarget:
    """A target, with its valid files made."""
    target: FuzzTarget = import_module(f"fuzz.targets.{name}").Target()
    return target
