"""Attacks that were asked for beside a protocol, or in the place of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.evaluation.conditions.attack_settings import EPS, EPS_UNROUNDED, settings_of_attack
from mmfan.evaluation.judging.asked import beside_protocol


def asked_attacks(
    names: Sequence[str],
    eps: Sequence[float] | None = None,
    settings: Mapping[str, Any] | None = None,
    beside: str | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The description of a protocol of attacks, as a config holds it.

    Args:
        names: Which ones; each is judged on the clean pictures at each radius.
        eps: The radii, in 1/255; None for those of :mod:`mmfan.evaluation.conditions.attack_settings`.
        settings: Of all of them; ``fgsm`` leaves out what it does not have.
        beside: A protocol whose cells are judged as well; None for attacks alone.

    Raises:
        MMFanError: There is no such attack, or a setting is out of range; or there is no such protocol.

    >>> asked_attacks(["fgsm"], [1, 2])["conditions"]
    [{'kind': 'attack', 'name': 'fgsm', 'strengths': [1, 2], 'settings': {'norm': 'linf', 'rounded': True}}]
    """
    given = dict(settings or {})
    radii = list(eps or (EPS if given.get("rounded", True) else EPS_UNROUNDED))
    several = len(set(names)) > 1
    conditions = []
    for name in dict.fromkeys(names):
        # beside iterated attacks the single step takes of the settings what it has
        own = {key: value for key, value in given.items() if not (several and name == "fgsm" and key in ITERATED)}
        conditions.append(
            {"kind": "attack", "name": name, "strengths": radii, "settings": settings_of_attack(name, own)}
        )
    return beside_protocol(f"attacks {' '.join(dict.fromkeys(names))}", "attacks", conditions, beside)


ITERATED = ("steps", "alpha", "start", "kept")
