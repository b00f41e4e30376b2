"""Names and settings of patches as conditions: the defaults, what is allowed, the clean reference. Free of torch.

Scores are of the pixels outside of a box around the patch. The box is the same at all areas of one setting
(``left_out``), so that they are all scored on the same pixels, and held against one reference: the clean pictures,
scored on these pixels too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.corruptions.cell import Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.settings import DRAWN, LEVELS, PLACES, Attack
from mmfan.evaluation.conditions.condition import Condition, ConditionError
from mmfan.utils.text import did_you_mean

PATCH, NOISE = "patch", "patch_noise"
PATCHES = (PATCH, NOISE)
OUTSIDE = "outside"  # of the cell that others are held against; its strength is the area left out
# In percent of the picture. The patches of Nesti et al. on Cityscapes, 150x300 to 300x600 of 1024x2048, have 2 to 9.
AREAS = (1, 2, 4, 8)
LARGEST = 50
LOSSES = {"segpgd": "segpgd", "cross_entropy": "pgd"}  # the name of the attack that ascends such a loss
PLACED = ("left_out", "place")
GIVEN = {PATCH: ("steps", "alpha", "loss", "kept", *PLACED), NOISE: PLACED}


def settings_of_patch(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a patch, whatever its area.

    Raises:
        ConditionError: There is no such patch or setting, or one is out of range.

    >>> settings_of_patch("patch", {"steps": 10})
    {'left_out': 8, 'place': 'drawn', 'steps': 10, 'alpha': 31.875, 'loss': 'segpgd'}
    >>> settings_of_patch("patch_noise", {})
    {'left_out': 8, 'place': 'drawn'}
    """
    if name not in PATCHES:
        raise ConditionError(
            f"There is no patch {name!r}.{did_you_mean(name, PATCHES)} There are {', '.join(PATCHES)}."
        )
    unknown = sorted(set(given) - set(GIVEN[name]))
    if unknown:
        raise ConditionError(f"{name} has no setting {', '.join(map(repr, unknown))}; it has {', '.join(GIVEN[name])}.")
    settings = {"left_out": max(AREAS), "place": DRAWN, **{key: given[key] for key in PLACED if key in given}}
    _check_placed(name, settings)
    if name == NOISE:
        return settings
    loss = given.get("loss", "segpgd")
    if loss not in tuple(LOSSES):  # which may be given anything, a list too
        raise ConditionError(f"{name}: `loss` must be one of {', '.join(LOSSES)}, got {loss!r:.80}.")
    told = _attack(loss, {key: given[key] for key in ("steps", "alpha", "kept") if key in given})
    kept = {} if told.kept == "last" else {"kept": told.kept}
    return {**settings, "steps": told.steps, "alpha": told.alpha, "loss": loss, **kept}


def _check_placed(name: str, settings: Mapping[str, Any]) -> None:
    area, place = settings["left_out"], settings["place"]
    if isinstance(area, bool) or not isinstance(area, (int, float)) or not 0 < area <= LARGEST:
        raise ConditionError(
            f"{name}: the largest area, left out of the score (`left_out`), must be above 0 and up to {LARGEST} "
            f"% of the picture, got {area!r:.80}."
        )
    if place not in PLACES:
        raise ConditionError(f"{name}: `place` must be one of {', '.join(PLACES)}, got {place!r:.80}.")


def _attack(loss: str, given: Mapping[str, Any]) -> Attack:
    """Steps and losses of a patch: those of an attack whose radius reaches from the middle of the range to its ends."""
    if given.get("steps") == 0:
        raise ConditionError(f"A patch without steps is noise: ask for {NOISE}.")
    try:
        return Attack(LOSSES[loss], LEVELS / 2, **given)
    except MMFanError as error:
        raise ConditionError(f"{PATCH} cannot be done so: {error}") from error


def attack_of_patch(condition: Condition) -> Attack:
    """How a patch ascends; for noise and the reference, which do not, the defaults."""
    settings = condition.settings
    given = {key: settings[key] for key in ("steps", "alpha", "kept") if key in settings}
    return _attack(settings.get("loss", "segpgd"), given)


def whole_patch(condition: Condition, batch_size: int, processes: int, cells: Sequence[Cell]) -> Condition:
    """The condition as it is.

    Raises:
        ConditionError: The patch is larger than the box that is left out of its score.
    """
    area, left_out = condition.strength or 0, condition.settings["left_out"]
    if area > left_out:
        raise ConditionError(
            f"{condition.name} of {area:g} % is larger than the {left_out:g} % of the picture that its score leaves "
            f"out: set `left_out` to the largest area of the patch, up to {LARGEST}."
        )
    return condition


def left_out_of(condition: Condition) -> float:
    """The share of the picture that scores leave out, in percent."""
    area: float = (condition.strength or 0) if condition.name == OUTSIDE else condition.settings["left_out"]
    return area


def outside_reference(condition: Condition) -> tuple[Condition, str]:
    """The clean cell that a patch is held against, and what it is in words.

    >>> outside_reference(Condition("patch", "patch_noise", 2, {"left_out": 4, "place": "centre"}))[0]
    Condition(kind='patch', name='outside', strength=4, settings={'place': 'centre'})
    """
    left_out = left_out_of(condition)
    reference = Condition(condition.kind, OUTSIDE, left_out, {"place": condition.settings["place"]})
    return reference, f"the clean pictures, scored on the same pixels: those outside of the {left_out:g} % left out"


def passes_of_patch(condition: Condition) -> float:
    """Forward passes of a picture, a backward pass counted as two, and the one that judges the picture found."""
    forward, backward = _passes(condition)
    return 1.0 + forward + 2.0 * backward


def cost_of_patch(condition: Condition) -> str:
    """What a picture costs, in words; empty where that is one forward pass."""
    forward, backward = _passes(condition)
    return f"{forward + 1} forward and {backward} backward passes a picture" if forward else ""


def _passes(condition: Condition) -> tuple[int, int]:
    return attack_of_patch(condition).passes if condition.name == PATCH else (0, 0)
