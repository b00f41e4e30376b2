"""Changes of cues that were asked for beside a protocol, or in the place of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.evaluation.conditions.cue_settings import DEFAULTS, settings_of_cue
from mmfan.evaluation.judging.asked import beside_protocol

CUES = tuple(DEFAULTS)


def asked_cues(
    names: Sequence[str] = CUES,
    settings: Mapping[str, Any] | None = None,
    beside: str | Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The description of a protocol of changes of cues, as a config holds it.

    Args:
        names: Which ones; all by default.
        settings: Of all of them; each takes what it has of them.
        beside: A protocol whose cells are judged as well; None for these alone.

    Raises:
        MMFanError: There is no such change, a setting is out of range, or none of them has it.

    >>> asked_cues(["shape_remove"])["conditions"]
    [{'kind': 'cue', 'name': 'shape_remove', 'strengths': [1], 'settings': {'block': 32}}]
    """
    given, named = dict(settings or {}), list(dict.fromkeys(names))
    known = {key for name in named for key in DEFAULTS.get(name, ())}
    conditions = []
    for name in named:
        own = {key: value for key, value in given.items() if key in DEFAULTS.get(name, ()) or key not in known}
        conditions.append({"kind": "cue", "name": name, "strengths": [1], "settings": settings_of_cue(name, own)})
    return beside_protocol("shape and texture", "cues", conditions, beside)
