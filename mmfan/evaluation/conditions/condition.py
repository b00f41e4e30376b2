"""``Condition``: what is done beside corrupting pictures, with its strength and its settings, as a record has it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mmfan.errors import MMFanError

KEYS = ("kind", "name", "strength", "settings")


class ConditionError(MMFanError):
    """A condition that there is not, or that contradicts itself."""


@dataclass(frozen=True, eq=False)
class Condition:
    """What is done to the model (adaptation), to both model and picture (attack), or which other pictures are taken.

    Two are equal if all their parts are: settings are compared as canonical JSON.

    Attributes:
        kind: ``'adaptation'``, ``'attack'``, ``'weather'``, or another that was registered
            (:func:`mmfan.evaluation.conditions.kinds.register_kind`).
        name: Which one of the kind: ``'tent'``, ``'segpgd'``, ``'fog'``.
        strength: Where it stands in the order of its kind, a finite number above 0, in the unit of the kind; None for a
            condition that has no strengths, but goes with the severity of a corruption: an adaptation.
        settings: What else decides the scores, in the types of JSON.

    Raises:
        ConditionError: A part is of the wrong type or out of range; all problems are named.
    """

    kind: str
    name: str
    strength: int | float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [
            f"`{part}` must be a text that is not empty, got {getattr(self, part)!r:.80}"
            for part in ("kind", "name")
            if not isinstance(getattr(self, part), str) or not getattr(self, part)
        ]
        value = self.strength
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
                problems.append(f"`strength` must be a finite number above 0 or None, got {value!r:.80}")
            else:  # one text for one number
                object.__setattr__(self, "strength", _plain(value))
        try:
            object.__setattr__(self, "settings", json.loads(_canonical(_plain(dict(self.settings)))))
        except (TypeError, ValueError) as error:
            problems.append(f"`settings` must be a dict in the types of JSON, got {self.settings!r:.200} ({error})")
        if problems:
            raise ConditionError(f"This is no condition: {'; '.join(problems)}.")

    @property
    def identity(self) -> tuple[str, str, int | float | None, str]:
        """All parts, to compare by."""
        return self.kind, self.name, self.strength, _canonical(self.settings)

    @property
    def digest(self) -> str:
        """A short hash of all parts, for names of files."""
        return hashlib.sha256(json.dumps(self.identity).encode()).hexdigest()[:8]

    def __eq__(self, other: object) -> bool:
        return self.identity == other.identity if isinstance(other, Condition) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.identity)

    def of_strength(self, strength: int | float | None) -> Condition:
        """The same at another strength."""
        return replace(self, strength=strength)

    def with_settings(self, **more: Any) -> Condition:
        """The same with more settings."""
        return replace(self, settings={**self.settings, **more})

    def __str__(self) -> str:
        """Name and settings in words; the strength is said beside it.

        >>> str(Condition("adaptation", "bn", settings={"prior": 16, "reset": "cell"}))
        'bn (prior 16, reset cell)'
        """
        return f"{self.name} ({', '.join(self.told)})" if self.settings else self.name

    @property
    def told(self) -> tuple[str, ...]:
        """Each setting in words."""
        return tuple(f"{name} {_told(value)}" for name, value in self.settings.items())

    def entry(self) -> dict[str, Any]:
        """What a record says under ``condition``."""
        return {"kind": self.kind, "name": self.name, "strength": self.strength, "settings": dict(self.settings)}


def _plain(value: Any) -> Any:
    """The same, with whole numbers of floats as integers: 16.0 and 16 are one setting."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _canonical(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _told(value: Any) -> str:
    if isinstance(value, Mapping):  # another condition that goes with this one
        rest = ", ".join(f"{key} {_told(one)}" for key, one in value.items() if key != "name")
        return f"{value.get('name', '')} ({rest})"
    return "+".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def read_condition(entry: Any) -> Condition:
    """The condition of :meth:`Condition.entry`; its kind need not be registered here.

    Raises:
        ConditionError: It is none.
    """
    if not isinstance(entry, Mapping) or not {"kind", "name"} <= set(entry) <= set(KEYS):
        raise ConditionError(
            '`condition` must be a dict like {"kind": "attack", "name": "pgd", "strength": 4, "settings": {}}, got '
            f"{entry!r:.200}"
        )
    settings = entry.get("settings", {})
    if not isinstance(settings, Mapping):
        raise ConditionError(f"`settings` of a condition must be a dict, got {settings!r:.80}")
    return Condition(entry["kind"], entry["name"], entry.get("strength"), settings)
