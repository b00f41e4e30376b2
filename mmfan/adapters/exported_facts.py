"""Facts that `mmfan export` wrote into a network, held against what is given: its classes and its input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmfan.adapters.classes import plain_name
from mmfan.adapters.preprocessing import Preprocessing
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.sources import Data
from mmfan.utils.checks import list_of

FACTS = ("classes", "input", "mean", "std")  # those that are read here, all behind the prefix "mmfan."
NORMALISED = "RGB, normalised"
ROUNDED = 5e-3  # by which numbers that were typed may differ: 123.7 for 123.675


def classes_told(facts: Mapping[str, str], data: Data | Sequence[str]) -> list[str] | None:
    """The classes that a network names, where they are to be matched by name with those of the data.

    Returns:
        None where it names none, or where its numbers are the places in the data's classes: as many, and none of a name
        that both have at another place. Names that one of the two spells otherwise are no hindrance then.

    Raises:
        MMFanError: What it says is not read.
    """
    if "mmfan.classes" not in facts:
        return None
    own = _read(facts, "classes", str)
    wanted = data.classes if isinstance(data, Data) else tuple(list_of(str, "data", data))
    if list(map(plain_name, own)) == list(map(plain_name, wanted)):
        return None  # some sets have a name twice
    places = {plain_name(name): at for at, name in enumerate(wanted)}
    moved = any(places.get(plain_name(name), at) != at for at, name in enumerate(own))
    return own if moved or len(own) != len(wanted) else None


def check_preprocessing(facts: Mapping[str, str], given: Preprocessing) -> None:
    """See that pictures are made ready as a network says that it takes them.

    Raises:
        MMFanError: They are not; the message says what to give.
    """
    if "mmfan.input" not in facts:
        return
    if given.bgr:
        raise MMFanError("The network says that it takes red first (mmfan.input): leave `bgr` out.")
    if facts["mmfan.input"] != NORMALISED:
        return
    mean, std = _read(facts, "mean", (int, float), 3), _read(facts, "std", (int, float), 3)
    own = [np.asarray(numbers) * (255 / given.white) for numbers in given.constants()]
    if not all(np.allclose(one, told, rtol=ROUNDED, atol=ROUNDED) for one, told in zip(own, (mean, std), strict=True)):
        raise MMFanError(
            f"The network takes pictures normalised by the mean {mean} and the deviation {std} of pixels from 0 to 255 "
            f"(it says so itself), got mean {given.mean}, std {given.std}, white {given.white}: give these, with "
            "white=255 (in Python in Preprocessing, of a command --mean, --std and --white 255)."
        )


def _read(facts: Mapping[str, str], name: str, kind: Any, count: int | None = None) -> list[Any]:
    try:
        found = json.loads(facts[f"mmfan.{name}"])
    except (KeyError, ValueError):
        found = None
    right = isinstance(found, list) and found and all(isinstance(one, kind) for one in found)
    if not right or (count is not None and len(found) != count):
        raise MMFanError(f"The network's own mmfan.{name} is no list as `mmfan export` writes it: export it again.")
    return found
