"""Attacks that were asked for beside a protocol, or in the place of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.evaluation.attacks.settings import ATTACKS
from mmfan.evaluation.conditions import ATTACK, PATCH, ConditionError
from mmfan.evaluation.conditions.attack_settings import EPS, EPS_UNROUNDED, settings_of_attack
from mmfan.evaluation.conditions.attack_settings import GIVEN as OF_ATTACKS
from mmfan.evaluation.conditions.patch_settings import AREAS, PATCHES, settings_of_patch
from mmfan.evaluation.conditions.patch_settings import GIVEN as OF_PATCHES
from mmfan.evaluation.judging.asked import beside_protocol
from mmfan.utils.text import did_you_mean

ITERATED = ("steps", "alpha", "start", "kept")  # settings that a single step does not have


def asked_attacks(
    names: Sequence[str],
    eps: Sequence[float] | None = None,
    settings: Mapping[str, Any] | None = None,
    beside: str | Mapping[str, Any] | None = None,
    areas: Sequence[float] | None = None,
) -> dict[str, Any]:
    """The description of a protocol of attacks, as a config holds it.

    Args:
        names: Which ones; each is judged on the clean pictures at each radius, patches at each area.
        eps: The radii, in 1/255; None for those of :mod:`mmfan.evaluation.conditions.attack_settings`.
        settings: Of all of them; of several each takes those that it has.
        beside: A protocol whose cells are judged as well; None for attacks alone.
        areas: Of patches, in percent of the picture; None for those of
            :mod:`mmfan.evaluation.conditions.patch_settings`. The largest is left out of the scores at all of them.

    Raises:
        MMFanError: There is no such attack, or a setting is out of range; or there is no such protocol; or radii or
            areas are given and no attack has any.

    >>> asked_attacks(["fgsm"], [1, 2])["conditions"]
    [{'kind': 'attack', 'name': 'fgsm', 'strengths': [1, 2], 'settings': {'norm': 'linf', 'rounded': True}}]
    """
    given, wanted = dict(settings or {}), tuple(dict.fromkeys(names))
    _refuse_without_use(wanted, eps, areas)
    conditions = [
        _patch(name, list(areas or AREAS), _own(name, wanted, given))
        if name in PATCHES
        else _attack(name, eps, _own(name, wanted, given))
        for name in wanted
    ]
    return beside_protocol(f"attacks {' '.join(wanted)}", "attacks", conditions, beside)


def _refuse_without_use(names: Sequence[str], eps: Sequence[float] | None, areas: Sequence[float] | None) -> None:
    """See that there are such attacks, and that radii and areas are of one of them."""
    there = (*ATTACKS, *PATCHES)
    unknown = [name for name in names if name not in there]
    if unknown:
        raise ConditionError(
            f"There is no attack {unknown[0]!r}.{did_you_mean(unknown[0], there)} There are {', '.join(there)}."
        )
    patches = [name for name in names if name in PATCHES]
    if areas and not patches:
        raise ConditionError(f"Areas are of patches: ask for {' or '.join(PATCHES)}, got {', '.join(names)}.")
    if eps and len(patches) == len(names):
        raise ConditionError(f"{', '.join(names)}: a patch has no radius (eps); how large it is is said by its areas.")


def _own(name: str, names: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that an attack has; and those that no attack asked for has, which it then refuses."""
    there = {key for one in names for key in _settings_of(one)}
    return {key: value for key, value in given.items() if key in _settings_of(name) or key not in there}


def _settings_of(name: str) -> tuple[str, ...]:
    if name in PATCHES:
        return OF_PATCHES[name]
    return tuple(key for key in OF_ATTACKS if name != "fgsm" or key not in ITERATED)


def _attack(name: str, eps: Sequence[float] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    radii = list(eps or (EPS if given.get("rounded", True) else EPS_UNROUNDED))
    return {"kind": ATTACK.name, "name": name, "strengths": radii, "settings": settings_of_attack(name, given)}


def _patch(name: str, areas: Sequence[float], given: Mapping[str, Any]) -> dict[str, Any]:
    settings = settings_of_patch(name, {"left_out": max(areas), **given})
    return {"kind": PATCH.name, "name": name, "strengths": [*areas], "settings": settings}
