"""The protocol that a record was made for: its name, or a description of one's own, under the key ``protocol``.

It is no part of a record's key, since a cell that two protocols share is judged once: the record then names the first.
Records written before this key was there, or by hand, need not have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import Condition, cell_of
from mmfan.evaluation.protocol import PROTOCOLS, Protocol, get_protocol, under_its_own_name
from mmfan.evaluation.results.record import ResultsError


def protocol_entry(protocol: Protocol) -> str | dict[str, Any]:
    """What a record says of a protocol: the name of one in :data:`PROTOCOLS`, else all of it, in the types of JSON.

    >>> from mmfan.evaluation.protocol import make_protocol
    >>> protocol_entry(get_protocol("level5"))
    'level5'
    >>> protocol_entry(make_protocol(["fog"], [1, 3]))["corruptions"]
    {'fog': [1, 3]}
    """
    if PROTOCOLS.get(protocol.name) == protocol:
        return protocol.name
    return protocol_description(protocol)


def protocol_description(protocol: Protocol) -> dict[str, Any]:
    """All of a protocol in the types of JSON, its cells spelled out."""
    return {
        "name": protocol.name,
        "corruptions": _grid([cell for cell in protocol.cells if cell.condition is None]),
        "groups": {group: list(types) for group, types in protocol.groups.items()},
        "source": protocol.source,
        **({"conditions": found} if (found := _conditions(protocol.cells)) else {}),
    }


def _grid(cells: Iterable[Cell]) -> dict[str, list[int]]:
    """Type -> its severities, rising."""
    levels: dict[str, list[int]] = {}
    for cell in cells:
        levels.setdefault(cell.corruption, []).append(cell.severity)
    return {name: sorted(row) for name, row in levels.items()}


def _conditions(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """The conditions, each with its strengths, and with the pictures that it is done on where they are not clean."""
    found: dict[tuple[Condition, bool], list[Cell]] = {}
    for cell in cells:
        if cell.condition is not None:
            found.setdefault((cell.condition.of_strength(None), cell.pictures == CLEAN), []).append(cell)
    entries = []
    for (condition, clean), own in found.items():
        entry = {key: value for key, value in condition.entry().items() if key != "strength"}
        strengths = list(dict.fromkeys(cell.condition.strength for cell in own))
        entry |= {} if strengths == [None] else {"strengths": strengths}
        entries.append(entry | ({} if clean else {"on": _grid(dict.fromkeys(cell.pictures for cell in own))}))
    return entries


def described_protocol(said: Mapping[str, Any]) -> Protocol:
    """The protocol of :func:`protocol_description`; its types need not be registered here.

    Raises:
        MMFanError: It contradicts itself, or has the name of another.
        KeyError, TypeError, AttributeError: It is no description.
    """
    cells = [*_cells_of(said["corruptions"])]
    for one in said.get("conditions", ()):
        pictures = [*_cells_of(one["on"])] if "on" in one else [CLEAN]
        made = [Condition(one["kind"], one["name"], level, one["settings"]) for level in one.get("strengths", [None])]
        cells += [cell_of(cell, condition) for cell in pictures for condition in made]
    groups = {group: tuple(types) for group, types in said["groups"].items()}
    return under_its_own_name(Protocol(said["name"], tuple(cells), groups, str(said["source"])))


def _cells_of(levels: Mapping[str, Iterable[int]]) -> Iterator[Cell]:
    return (Cell(name, level) for name, row in levels.items() for level in row)


def recorded_protocol(record: Mapping[str, Any]) -> Protocol | None:
    """The protocol that a record names or describes; None where it does not say.

    The types need not be registered here, so that results can be reported on without the module that they come from.

    Raises:
        ResultsError: What it says is no protocol.
    """
    said = record.get("protocol")
    if said is None:
        return None
    try:
        if isinstance(said, str):
            return get_protocol(said)
        return described_protocol(said)
    except (MMFanError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(
            f"The record of {record.get('corruption')} {record.get('severity')} of the model {record.get('model')!r} "
            f"says that its protocol is {said!r:.200}, which is none ({error}). Name one: --protocol."
        ) from error


def recorded_protocols(records: Iterable[Mapping[str, Any]]) -> list[Protocol]:
    """The protocols that records were made for, each once, the one that was recorded last first.

    Raises:
        ResultsError: A record names none.
    """
    seen: list[tuple[Any, Protocol]] = []
    for record in records:
        said = record.get("protocol")
        known = next((pair for pair in seen if pair[0] == said), None)
        found = known[1] if known else recorded_protocol(record)
        if found is None:
            continue
        seen = [pair for pair in seen if pair[1] != found] + [(said, found)]
    return [found for _, found in reversed(seen)]
