"""Names and settings of attacks as conditions: the defaults, and what is allowed. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmfan.errors import MMFanError
from mmfan.evaluation.attacks.settings import ATTACKS, REACH, Attack
from mmfan.evaluation.conditions.condition import Condition, ConditionError
from mmfan.utils.text import did_you_mean

# Radii in 1/255 that are tried by default: from what leaves a model be to what no undefended one survives.
EPS = (1, 2, 4, 8)
EPS_UNROUNDED = (0.25, 0.5, *EPS)
USUAL_ALPHA = f"{REACH} eps/steps"  # a length of a step for each radius
UNSAID = (("start", True), ("kept", "last"))  # what all but special cases have
GIVEN = ("norm", "steps", "alpha", "start", "kept", "rounded", "target")


def settings_of_attack(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of an attack, whatever its radius.

    Raises:
        ConditionError: There is no such attack or setting, or one is out of range.

    >>> settings_of_attack("fgsm", {})
    {'norm': 'linf', 'rounded': True}
    >>> settings_of_attack("pgd", {"steps": 20, "alpha": 2.55})["alpha"]
    2.55
    """
    if name not in ATTACKS:
        raise ConditionError(
            f"There is no attack {name!r}.{did_you_mean(name, ATTACKS)} There are {', '.join(ATTACKS)}."
        )
    unknown = sorted(set(given) - set(GIVEN))
    if unknown:
        raise ConditionError(
            f"The attack {name} has no setting {', '.join(map(repr, unknown))}; it has {', '.join(GIVEN)}."
        )
    told = _attack(name, 1, given).told
    if name == "fgsm":  # is one step by its definition
        own = ("norm", "rounded", "target", "kept")
        return {key: told[key] for key in own if key in told and (key, told[key]) not in UNSAID}
    usual = given.get("alpha", USUAL_ALPHA) in (None, USUAL_ALPHA)
    settings = {**told, "alpha": USUAL_ALPHA if usual else told["alpha"]}
    return {key: value for key, value in settings.items() if (key, value) not in UNSAID}


def attack_of(condition: Condition) -> Attack:
    """The attack of a condition with a strength, the radius in 1/255.

    Raises:
        ConditionError: It is none.
    """
    return _attack(condition.name, condition.strength or 0, condition.settings)


def _attack(name: str, eps: float, settings: Mapping[str, Any]) -> Attack:
    kept = {key: value for key, value in settings.items() if (key, value) != ("alpha", USUAL_ALPHA)}
    try:
        return Attack(name, eps, **kept)
    except MMFanError as error:
        raise ConditionError(f"The attack {name} cannot be done so: {error}") from error


def passes_of_attack(condition: Condition) -> float:
    """Forward passes of a picture, a backward pass counted as two, and the one that judges the picture found."""
    forward, backward = attack_of(condition).passes
    return 1.0 + forward + 2.0 * backward


def cost_text(condition: Condition) -> str:
    """What a picture costs, in words.

    >>> cost_text(Condition("attack", "segpgd", 4, {"steps": 5}))
    '6 forward and 5 backward passes a picture'
    """
    forward, backward = attack_of(condition).passes
    return f"{forward + 1} forward and {backward} backward passes a picture"
