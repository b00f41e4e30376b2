"""Protocol that a command line asks for, perhaps with conditions beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmfan.evaluation.conditions import make_condition
from mmfan.evaluation.protocol import ProtocolError, get_protocol, read_protocol
from mmfan.evaluation.results.recorded_protocol import protocol_description
from mmfan.utils.json_files import parse_json


def asked_protocol(
    name: str | None, corruptions: Sequence[str] | None = None, severities: Sequence[int] | None = None
) -> str | dict[str, Any] | None:
    """The protocol of a command line, as a config holds it.

    Args:
        name: Of a protocol, or a JSON file that describes one, or the JSON.
        corruptions: Types for a protocol of one's own.
        severities: Their severities; all that they have by default.

    Returns:
        None where nothing was asked for.

    Raises:
        MMFanError: The protocol is unknown or contradicts itself, or the file is no JSON.
        FileNotFoundError: There is no such file.
    """
    wanted: str | dict[str, Any] | None = name
    if corruptions:
        wanted = {"corruptions": list(corruptions)} | ({"severities": list(severities)} if severities else {})
    elif name is not None:
        wanted = read_protocol(name)
    if wanted is not None:
        get_protocol(wanted)
    return wanted


def asked_adaptation(text: str | None) -> dict[str, Any] | None:
    """The adaptation of a command line, as a config holds it.

    Args:
        text: Its name, or a dict of JSON with ``name`` and settings.

    Returns:
        None where none was asked for.

    Raises:
        MMFanError: There is no such adaptation, a setting of it is wrong, or the text is no JSON.

    >>> asked_adaptation('{"name": "bn", "prior": 4}')
    {'name': 'bn', 'prior': 4, 'reset': 'cell'}
    """
    if text is None:
        return None
    given: Any = {"name": text}
    if text.lstrip().startswith("{"):
        try:
            given = parse_json(text.encode())
        except ValueError as error:
            raise ProtocolError(f"The adaptation {text!r:.200} is no JSON: {error}.") from error
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise ProtocolError(f"Expected an adaptation as a name, or as a dict with `name`, got {text!r:.200}.")
    settings = {key: value for key, value in given.items() if key != "name"}
    return {"name": given["name"], **make_condition("adaptation", given["name"], **settings).settings}


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
