"""Names and settings of real weather: sets, their splits and conditions, and what is held against what. Free of torch.

What is judged is told by two facts that the run adds: ``contents`` of the condition's pictures and labels, and
``frames`` of the reference frames, where those are the clean reference. Both are a number of pictures and a hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmfan.datasets.prepare import coco_o, exdark
from mmfan.datasets.prepare.weather_trees import TREES, Tree
from mmfan.evaluation.conditions.adaptation_settings import settings_of_adaptation
from mmfan.evaluation.conditions.condition import Condition, ConditionError

CLEAN_REFERENCE, FRAMES = "clean", "frames"
REFERENCES = (CLEAN_REFERENCE, FRAMES)
REFERENCE_NAME = "reference frames"  # of the cell that others are held against
FACTS = ("contents", "frames")  # what the run adds
ADAPT = "adapt"  # the setting that holds the adaptation to the pictures
MIXED = "mixed"  # the only condition of a set without folders for them
DARKNESS = "darkness"  # that of ExDark
OBJECTS = ("coco_o", "exdark")  # sets for detectors
KNOWN = (*TREES, *OBJECTS)


def settings_of_weather(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a condition of real weather.

    Sets that mmfan does not know (:data:`KNOWN`) are one's own, whose conditions and splits may be called anything.

    Args:
        name: The condition.
        given: ``set``; perhaps ``split``, ``reference`` (one of :data:`REFERENCES`), the facts, and ``adapt``, a dict
            with the ``name`` of an adaptation and its settings, where the model adapts to the pictures.

    Raises:
        ConditionError: There is no such condition, split or reference.

    >>> settings_of_weather("fog", {"set": "acdc"})
    {'set': 'acdc', 'split': 'val', 'reference': 'clean'}
    """
    unknown = sorted(set(given) - {"set", "split", "reference", ADAPT, *FACTS})
    if unknown:
        raise ConditionError(
            f"Real weather has no setting {', '.join(map(repr, unknown))}: set, split, reference, {ADAPT}."
        )
    adapt = {ADAPT: _adaptation(given[ADAPT])} if ADAPT in given else {}
    given = {key: value for key, value in given.items() if key != ADAPT}
    wrong = [key for key in given if not isinstance(given[key], str) or not given[key]]
    if wrong or "set" not in given:
        raise ConditionError(f"Real weather needs `set`, the name of a set, and texts as settings, got {given!r:.200}.")
    settings = {"set": given["set"], "split": default_split(given["set"]), "reference": CLEAN_REFERENCE, **given}
    if settings["reference"] not in REFERENCES:
        raise ConditionError(f"`reference` must be one of {', '.join(REFERENCES)}, got {settings['reference']!r}.")
    problem = _problem(name, settings)
    if problem:
        raise ConditionError(problem)
    return {key: value for key, value in settings.items() if value} | adapt


def _adaptation(given: Any) -> dict[str, Any]:
    """All settings of the adaptation that goes with real weather, its name among them."""
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise ConditionError(f"`{ADAPT}` must be a dict with the `name` of an adaptation, got {given!r:.80}.")
    own = {key: value for key, value in given.items() if key != "name"}
    return {"name": given["name"], **settings_of_adaptation(given["name"], own)}


def default_split(name: str) -> str:
    """The split of a set that is judged by default: the validation pictures, or the only ones with labels."""
    if name in TREES:
        return "val" if "val" in TREES[name].labelled else next(iter(TREES[name].labelled), "")
    return "test" if name == "exdark" else ""


def conditions_of(name: str) -> tuple[str, ...]:
    """The conditions of a set that mmfan knows.

    Raises:
        ConditionError: It knows no such set.
    """
    if name in OBJECTS:
        return coco_o.DOMAINS if name == "coco_o" else (DARKNESS,)
    return tuple(one or MIXED for one in tree_of(name).conditions)


def tree_of(name: str) -> Tree:
    """How a set for segmentors lies on disk.

    Raises:
        ConditionError: There is no such set.
    """
    if name not in TREES or name.endswith("_reference"):
        there = ", ".join(one for one in KNOWN if not one.endswith("_reference"))
        raise ConditionError(f"There is no set of real weather {name!r} that mmfan knows; there are {there}.")
    return TREES[name]


def folders_of(name: str, condition: str) -> tuple[str, ...]:
    """The folders of a condition in the tree of a set: of MUSES' night those of all weathers."""
    return tree_of(name).chosen(None if condition == MIXED else condition)


def _problem(name: str, settings: Mapping[str, Any]) -> str:
    """What a set that mmfan knows does not have; empty where it has all."""
    given, split = settings["set"], settings["split"]
    if given not in KNOWN or name == REFERENCE_NAME:
        return ""
    splits: tuple[str, ...] = ()
    if given in TREES:
        folders_of(given, name)  # names the conditions there are
        splits = tree_of(given).labelled
    elif name not in conditions_of(given):
        return f"{given} has the conditions {', '.join(conditions_of(given))}, got {name!r}."
    elif given == "exdark":
        splits = tuple(exdark.COUNTS)
    if split not in (splits or ("",)):
        told = f"labels of {', '.join(splits)}" if splits else "no splits"
        return f"{given} has {told}, got the split {split!r}."
    if settings["reference"] == FRAMES and f"{given}_reference" not in TREES:
        return f"{given} has no reference frames: leave `reference` at {CLEAN_REFERENCE!r}."
    return ""


def other_reference(condition: Condition) -> tuple[Condition, str] | None:
    """The clean cell that a condition is held against, and what it is in words; None for the clean pictures."""
    settings = condition.settings
    if settings.get("reference") != FRAMES:
        return None
    told = {key: value for key, value in settings.items() if key not in (ADAPT, *FACTS)}
    told |= {"contents": settings["frames"], "frames": settings["frames"]} if "frames" in settings else {}
    words = "the reference frames: the same places in good weather, those of all conditions together"
    return Condition(condition.kind, REFERENCE_NAME, 1, told), words
