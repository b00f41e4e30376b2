"""Protocols found by name, or made of what a user writes: a dict, a JSON file, the cells of records."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmfan.corruptions import BUILT_IN, GROUPS, SEVERITIES, corruption_names, get_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions import Condition, ConditionError, cell_of, get_kind, make_condition, reference_of
from mmfan.evaluation.protocol.definition import Protocol, ProtocolError, grid
from mmfan.evaluation.protocol.named import PROTOCOLS
from mmfan.utils.json_files import parse_json
from mmfan.utils.text import did_you_mean, nearest


def get_protocol(protocol: str | Mapping[str, Any] | Protocol) -> Protocol:
    """Find or make a protocol.

    Args:
        protocol: The name of one in :data:`PROTOCOLS`; a protocol, which is returned; or a dict that describes one:
            ``corruptions`` (a list, with ``severities`` for all of them, or a dict type -> severities), ``groups``
            (group -> types; by default each type's own group) and ``name`` and ``source``, both free; and
            ``conditions``, a list of dicts with ``kind``, ``name``, perhaps ``settings``, and ``strengths`` (a list)
            for kinds that have some. Those of other kinds are done on all the corruptions, or on others, which they
            name by ``on`` (a dict type -> severities). With ``conditions`` there need be no ``corruptions``.

    Raises:
        ProtocolError: There is none of that name (the message names the nearest), or the description has problems,
            all of which are named, or it is neither.

    >>> get_protocol("kamann16").size
    72
    >>> get_protocol(dict(name="night", corruptions={"fog": [1, 2], "brightness": [3]})).size
    3
    """
    if isinstance(protocol, Protocol):
        return protocol
    if isinstance(protocol, Mapping):
        return _from_description(protocol)
    if not isinstance(protocol, str):
        raise ProtocolError(f"Expected the name of a protocol or a dict that describes one, got {protocol!r}.")
    if protocol not in PROTOCOLS:
        meant = did_you_mean(protocol, PROTOCOLS, 0.4)
        raise ProtocolError(f"There is no protocol {protocol!r}.{meant} There are {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[protocol]


def make_protocol(
    corruptions: Iterable[str] | Mapping[str, Iterable[int]],
    severities: Iterable[int] | None = None,
    name: str = "custom",
    *,
    groups: Mapping[str, Iterable[str]] | None = None,
    source: str = "user's own",
) -> Protocol:
    """Make a protocol of registered corruptions.

    Args:
        corruptions: The types; or a dict type -> its severities, and then no ``severities``.
        severities: The severities of all types; all that a type has by default.
        name: The name that stands beside the numbers; none of a protocol in :data:`PROTOCOLS` with other cells.
        groups: Group -> types; by default each type is in the group it is registered with.
        source: Where the list comes from.

    Raises:
        ProtocolError: Unknown types, severities that a type has not, a taken name or groups that are no partition of
            the types; all problems are named.
    """
    wanted, problems = _severities_of_types(corruptions, severities)
    for corruption, levels in wanted.items():
        problems += _problems_of_type(corruption, levels)
    if problems:
        raise ProtocolError(f"Protocol {name!r} cannot be used: {'; '.join(problems)}.")
    made = Protocol(name, grid(wanted), _default_groups(wanted) if groups is None else _as_groups(groups), source)
    return under_its_own_name(made)


def under_its_own_name(made: Protocol) -> Protocol:
    """The same protocol, unless its name is that of another in :data:`PROTOCOLS`.

    Raises:
        ProtocolError: It is.
    """
    named = PROTOCOLS.get(made.name, made)
    if (set(made.cells), made.groups) != (set(named.cells), named.groups):
        raise ProtocolError(
            f"The name {made.name!r} belongs to a protocol with other cells or groups; choose another name."
        )
    return made


def protocol_of_cells(cells: Iterable[tuple[str, int]], name: str = "custom") -> Protocol:
    """The protocol of just these cells, the clean one left out: for records that were made with a list of one's own.

    The types need not be registered here, so that a report can be made where the corruptions are not installed; those
    that are not are in the group ``custom``.

    Raises:
        ProtocolError: There are no corrupted cells, one is no cell, or the name is that of another protocol.
    """
    made = [cell if isinstance(cell, Cell) else Cell(*cell) for cell in cells]
    references = {reference_of(cell) for cell in made}
    made = [cell for cell in made if cell not in references]
    distinct = dict.fromkeys(cell for cell in made if cell.pictures != CLEAN or cell.severity != CLEAN.severity)
    rank = {corruption: place for place, corruption in enumerate(corruption_names())}
    ordered = sorted(distinct, key=lambda cell: (rank.get(cell.corruption, len(rank)), cell))
    groups = _default_groups(_types_of_pictures(ordered))
    return under_its_own_name(Protocol(name, tuple(ordered), groups, "the cells of the records"))


def read_description(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The description of a protocol in a JSON file, for :func:`get_protocol`.

    Raises:
        ProtocolError: It is no JSON, or no dict.
        OSError: It cannot be read.
    """
    try:
        description = parse_json(Path(path).read_bytes())
    except ValueError as error:
        raise ProtocolError(f"The protocol {path} is no JSON file: {error}.") from error
    if not isinstance(description, dict):
        raise ProtocolError(f'{path}: expected a dict like {{"name": ..., "corruptions": [...], "severities": [...]}}.')
    return description


def read_protocol(text: str) -> str | dict[str, Any]:
    """A protocol as a command line names it: by its name, by a JSON file, or by the JSON itself.

    Returns:
        What :func:`get_protocol` takes.

    Raises:
        ProtocolError: It is no JSON, or no dict.
        OSError: The file cannot be read.

    >>> read_protocol('{"corruptions": ["fog"], "severities": [3]}')
    {'corruptions': ['fog'], 'severities': [3]}
    """
    if text.endswith(".json"):
        return read_description(text)
    if not text.lstrip().startswith("{"):
        return text
    try:
        found = parse_json(text.encode())
    except ValueError as error:
        raise ProtocolError(f"The protocol {text!r:.200} is no JSON: {error}.") from error
    return dict(found)


def _from_description(description: Mapping[str, Any]) -> Protocol:
    allowed = {"name", "corruptions", "severities", "groups", "source", "conditions"}
    unknown = sorted(set(description) - allowed)
    if unknown:
        raise ProtocolError(
            f"A protocol has no {', '.join(map(repr, unknown))}; its keys are {', '.join(sorted(allowed))}."
        )
    if description.get("conditions"):
        return _with_conditions(dict(description))
    if "corruptions" not in description:
        raise ProtocolError("The description of a protocol needs `corruptions`: a list, or a dict type -> severities.")
    return make_protocol(**{key: value for key, value in description.items() if key != "conditions"})


def _with_conditions(description: dict[str, Any]) -> Protocol:
    """The protocol of a description with conditions: the corruptions first, then the conditions in their order."""
    conditions = description.pop("conditions")
    name, groups = description.get("name", "custom"), description.get("groups")
    source = description.get("source", "user's own")
    without_groups = {key: value for key, value in description.items() if key != "groups"}
    own = make_protocol(**without_groups).cells if "corruptions" in description else ()
    if isinstance(conditions, Mapping) or not isinstance(conditions, Iterable):
        raise ProtocolError(f"Expected `conditions` to be a list of dicts, got {conditions!r:.200}.")
    cells = [*own]
    for one in conditions:
        try:
            cells += _cells_of_condition(one, own)
        except ConditionError as error:
            raise ProtocolError(f"Protocol {name!r} cannot be used: {error}") from error
    types = _types_of_pictures(cells)
    made = Protocol(name, tuple(cells), _default_groups(types) if groups is None else _as_groups(groups), source)
    return under_its_own_name(made)


def _cells_of_condition(one: Any, corruptions: tuple[Cell, ...]) -> list[Cell]:
    """The cells of one entry of ``conditions``."""
    allowed = {"kind", "name", "settings", "strengths", "on"}
    if not isinstance(one, Mapping) or not {"kind", "name"} <= set(one) <= allowed:
        raise ProtocolError(
            f"Expected a condition as a dict with kind, name and perhaps on, settings, strengths, got {one!r:.200}."
        )
    settings, strengths, on = one.get("settings") or {}, one.get("strengths"), one.get("on")
    if not isinstance(settings, Mapping):
        raise ConditionError(f"`settings` of {one['name']} must be a dict, got {settings!r:.80}.")
    wanted = corruptions if on is None else make_protocol(on).cells
    if not get_kind(one["kind"]).strength:
        if strengths is not None:
            raise ConditionError(f"The kind {one['kind']!r} has no strengths; leave `strengths` of {one['name']} out.")
        if not wanted:
            raise ConditionError(f"{one['name']} needs corruptions to be done on: `on`, a dict type -> severities.")
        return [cell_of(cell, make_condition(one["kind"], one["name"], **settings)) for cell in wanted]
    if isinstance(strengths, (str, Mapping)) or not isinstance(strengths, Iterable):
        raise ConditionError(f"{one['name']} needs `strengths`, a list of numbers, got {strengths!r:.80}.")
    pictures = (CLEAN,) if on is None else wanted
    made = [make_condition(one["kind"], one["name"], strength, **settings) for strength in strengths]
    if not made:
        raise ConditionError(f"{one['name']} has no strengths.")
    return [cell_of(cell, condition) for cell in pictures for condition in made]


def under_adaptation(protocol: Protocol, asked: str | Mapping[str, Any] | Condition) -> Protocol:
    """The corruptions of a protocol, each judged with a model that adapts to it.

    Args:
        protocol: Of corruptions alone.
        asked: The name of an adaptation, or a dict with its ``name`` and settings.

    Raises:
        ProtocolError: There is no such adaptation, or a setting of it is wrong.
    """
    if isinstance(asked, Condition):
        return protocol.under(asked)
    given = {"name": asked} if isinstance(asked, str) else dict(asked) if isinstance(asked, Mapping) else {}
    if not isinstance(given.get("name"), str):
        raise ProtocolError(f"Expected `adapt` as the name of an adaptation or a dict with `name`, got {asked!r:.200}.")
    name = given.pop("name")
    try:
        return protocol.under(make_condition("adaptation", name, **given))
    except ConditionError as error:
        raise ProtocolError(str(error)) from error


def _severities_of_types(corruptions: Any, severities: Any) -> tuple[dict[str, tuple[Any, ...]], list[str]]:
    problems = []
    if isinstance(corruptions, (str, bytes)) or not isinstance(corruptions, Iterable):
        raise ProtocolError(f"Expected a list of corruptions or a dict type -> severities, got {corruptions!r}.")
    if isinstance(corruptions, Mapping):
        if severities is not None:
            problems.append("`severities` is for a list of corruptions; the dict already has them")
        pairs = [(name, levels) for name, levels in corruptions.items()]
    else:
        pairs = [(name, severities) for name in corruptions]
    if not pairs:
        problems.append("it has no corruptions")
    pairs = [(str(name), levels) for name, levels in pairs]
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"corruptions named twice: {', '.join(twice)}")
    return {name: _as_levels(name, levels) for name, levels in pairs}, problems


def _as_groups(groups: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(groups, Mapping) or any(
        isinstance(names, str) or not isinstance(names, Iterable) for names in groups.values()
    ):
        raise ProtocolError(f"Expected `groups` to be a dict group -> list of types, got {groups!r}.")
    return {str(group): tuple(map(str, names)) for group, names in groups.items()}


def _as_levels(name: Any, levels: Any) -> tuple[Any, ...]:
    if levels is None:
        return _registered_severities(name) if name in corruption_names() else ()
    return tuple(levels) if isinstance(levels, Iterable) and not isinstance(levels, str) else (levels,)


def _registered_severities(name: str) -> tuple[int, ...]:
    # get_corruption would load the code of a built-in one, which a list of names has no need of
    return SEVERITIES if name in BUILT_IN else get_corruption(name).severities


def _problems_of_type(name: Any, levels: tuple[Any, ...]) -> list[str]:
    names = corruption_names()
    if name not in names:
        near = nearest(name, names)
        meant = f" (did you mean {near!r}?)" if near else ""
        return [f"there is no corruption {name!r}{meant}"]
    has = _registered_severities(name)
    wrong = [level for level in levels if type(level) is not int or level not in has]
    problems = [f"{name} has the severities {', '.join(map(str, has))}, not {level!r}" for level in wrong]
    if len(set(map(repr, levels))) < len(levels):
        problems.append(f"severities of {name} named twice: {list(levels)}")
    if not levels:
        problems.append(f"no severities for {name}")
    return problems


def _types_of_pictures(cells: Iterable[Cell]) -> list[str]:
    """The corruptions that are types of a protocol; what has strengths of its own is a type by its own name."""
    own = (cell for cell in cells if cell.condition is None or cell.condition.strength is None)
    return [cell.corruption for cell in own if cell.pictures != CLEAN]


def _default_groups(corruptions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    built_in = {name: group for group, names in GROUPS.items() for name in names}
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(corruptions):
        added = name not in built_in and name in corruption_names()
        group = get_corruption(name).group if added else built_in.get(name, "custom")
        groups.setdefault(group, []).append(name)
    return {group: tuple(names) for group, names in groups.items()}
