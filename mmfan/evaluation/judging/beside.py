"""Conditions that were asked for beside a protocol, or in the place of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.evaluation.protocol import get_protocol
from mmfan.evaluation.results.recorded_protocol import protocol_description


def beside_protocol(
    alone: str, called: str, conditions: Sequence[Mapping[str, Any]], beside: str | Mapping[str, Any] | None
) -> dict[str, Any]:
    """The description of a protocol with more conditions, as a config holds it.

    Args:
        alone: Its name where there are no other cells.
        called: What the conditions are called in its name where there are.
        conditions: As descriptions of protocols have them.
        beside: A protocol whose cells are judged as well, its own conditions among them; None for these alone.

    Raises:
        ProtocolError: There is no such protocol.

    >>> made = beside_protocol("cues", "cues", [{"kind": "cue", "name": "grey_edges", "strengths": [1]}], "level5")
    >>> made["name"], len(made["corruptions"]), len(made["conditions"])
    ('level5 and cues', 16, 1)
    """
    if beside is None:
        return {"name": alone, "conditions": [*conditions]}
    described = protocol_description(get_protocol(beside))
    kept = {key: value for key, value in described.items() if value or key not in ("corruptions", "groups")}
    return {
        **kept, "name": f"{described['name']} and {called}",
        "conditions": [*described.get("conditions", ()), *conditions],
    }  # fmt: skip
