"""Names and settings of what is done to the cues of pictures: the defaults, and what is allowed. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.corruptions import BUILT_IN
from mmfan.corruptions.cell import Cell
from mmfan.datasets.cues.defaults import BLOCK, COLOURS, LEAST_AREA, LEAST_BLOCK, SIGMA
from mmfan.evaluation.conditions.condition import Condition, ConditionError
from mmfan.utils.text import did_you_mean

SWAPS = ("texture_swap", "texture_swap_grey")
SHOWABLE = frozenset((*BUILT_IN, *SWAPS))  # what a training may show of the tests: corruptions, and swapped textures
_SWAP: dict[str, Any] = {"area": LEAST_AREA, "colour": "donor"}
DEFAULTS: dict[str, dict[str, Any]] = {
    "texture_swap": _SWAP,
    "texture_swap_grey": _SWAP,
    "texture_remove": {},
    "texture_smooth": {},
    "shape_remove": {"block": BLOCK},
    "grey_edges": {},
    "colour_only": {"sigma": SIGMA},
}
# what the score of each, over the clean one, is called
RETENTIONS = {"texture_remove": "shape retention", "shape_remove": "texture retention"}


def settings_of_cue(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a change of cues.

    Raises:
        ConditionError: There is no such change or setting, or one is out of range.

    >>> settings_of_cue("shape_remove", {})
    {'block': 32}
    """
    if name not in DEFAULTS:
        raise ConditionError(
            f"There is no change of cues {name!r}.{did_you_mean(name, DEFAULTS)} There are {', '.join(DEFAULTS)}."
        )
    unknown = sorted(set(given) - set(DEFAULTS[name]))
    if unknown:
        raise ConditionError(
            f"{name} has no setting {', '.join(map(repr, unknown))}; it has {', '.join(DEFAULTS[name]) or 'none'}."
        )
    settings = {**DEFAULTS[name], **given}
    problems = [
        f"`{key}` must be {_ALLOWED[key][0]}, got {value!r:.80}"
        for key, value in settings.items()
        if not _ALLOWED[key][1](value)
    ]
    if problems:
        raise ConditionError(f"{name} cannot be done so: {'; '.join(problems)}.")
    return settings


_ALLOWED: dict[str, tuple[str, Any]] = {
    "area": ("a whole number of pixels from 1 on", lambda value: type(value) is int and value >= 1),
    "colour": (f"one of {', '.join(COLOURS)}", lambda value: value in COLOURS),
    "block": (
        f"a whole number of pixels from {LEAST_BLOCK} on",
        lambda value: type(value) is int and value >= LEAST_BLOCK,
    ),
    "sigma": ("a number of pixels from 0.1 to 100", lambda value: type(value) in (int, float) and 0.1 <= value <= 100),
}


def whole_cue(condition: Condition, batch_size: int, processes: int, cells: Sequence[Cell]) -> Condition:
    """The condition as it is.

    Raises:
        ConditionError: Its strength is not 1: changes of cues have no others.
    """
    if condition.strength not in (None, 1):
        raise ConditionError(f"{condition.name} has the strength 1 alone, got {condition.strength}.")
    return condition
