"""Real weather that was asked for: which conditions a run has, where their sets are, and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import (
    WEATHER,
    ConditionCell,
    ConditionError,
    at_work,
    kind_of,
    make_condition,
    without_facts,
)
from mmfan.evaluation.conditions.weather_settings import ADAPT, FRAMES, KNOWN, OBJECTS, REFERENCE_NAME, conditions_of
from mmfan.evaluation.judging.contents import Held, digest_of, hash_contents
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.protocol import Protocol, ProtocolError, get_protocol, under_adaptation
from mmfan.evaluation.protocol.named import CLEAN_ONLY
from mmfan.evaluation.results.hashes import HASH_LENGTH
from mmfan.utils.text import shortlist

# Name of a set -> its root, or a dict with `root` and what of it is judged (CHOICES); or, of a set of one's own, its
# conditions with what holds their pictures and truth.
Places = Mapping[str, Any]
CHOICES = ("conditions", "split", "reference")


def weather_conditions(
    name: str,
    conditions: Sequence[str] | None = None,
    split: str | None = None,
    reference: str = "clean",
    adapt: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Conditions of a set, as the description of a protocol holds them (``conditions=``).

    Args:
        name: Of the set, such as ``'acdc'``.
        conditions: Which ones; None for all of a set that mmfan knows.
        split: None for the usual one.
        reference: ``'clean'``, or ``'frames'`` for the reference frames of ACDC.
        adapt: The adaptation of a model that adapts to each: a dict with its ``name`` and settings.

    Raises:
        ConditionError: There is no such set, condition, split, reference or adaptation.

    >>> weather_conditions("dark_zurich")[0]["settings"]
    {'set': 'dark_zurich', 'split': 'val', 'reference': 'clean'}
    """
    given: dict[str, Any] = {"set": name, "reference": reference}
    given |= {key: value for key, value in {"split": split, ADAPT: adapt}.items() if value is not None}
    return [
        {"kind": "weather", "name": one, "strengths": [1], "settings": WEATHER.settings(one, given)}
        for one in (conditions_of(name) if conditions is None else conditions)
    ]


def with_weather(protocol: Protocol, places: Places | None, adapt: str | Mapping[str, Any] | None = None) -> Protocol:
    """A protocol with the conditions of sets of weather.

    Args:
        protocol: Any; with conditions of weather, or without.
        places: The sets. One whose conditions the protocol names is judged in these, another in those that its place
            names, or in all.
        adapt: As in :func:`mmfan.evaluation.protocol.under_adaptation`: the model adapts to each condition that is
            added.

    Raises:
        ProtocolError: A set has no such condition, or the protocol names a set that has no place.
    """
    named = dict.fromkeys(_settings(cell)["set"] for cell in weather_cells(protocol.judged))
    lacking = [name for name in named if name not in (places or {})]
    if lacking:
        raise ProtocolError(
            f"Protocol {protocol.name!r} takes pictures of {', '.join(lacking)}: say where they are, "
            f"weather={{{lacking[0]!r}: ROOT}} (--weather {lacking[0]}=ROOT)."
        )
    more: list[Cell] = []
    asked = {"name": adapt} if isinstance(adapt, str) else adapt
    for name, place in (places or {}).items():
        if name in named:
            continue
        try:
            entries = weather_conditions(name, **_choices(name, place), adapt=asked)
        except ConditionError as error:
            raise ProtocolError(str(error)) from error
        more += [ConditionCell(CLEAN, make_condition("weather", one["name"], 1, **one["settings"])) for one in entries]
    if not more:
        return protocol
    words = [*([protocol.name] if protocol.cells else []), *(name for name in places or {} if name not in named)]
    if adapt is not None:
        words[-1] += f" with {at_work(more[-1])}"
    source = protocol.source if protocol.cells else "conditions of real weather"
    return Protocol(" and ".join(words), (*protocol.cells, *more), protocol.groups, source)


def _choices(name: str, place: Any) -> dict[str, Any]:
    """What of a set is judged, as :func:`weather_conditions` takes it."""
    if not isinstance(place, Mapping):
        return {}
    if "root" not in place:
        own = [one for one in place if one != REFERENCE_NAME]
        return {"conditions": own, "reference": FRAMES if len(own) < len(place) else "clean"}
    unknown = sorted(set(place) - {"root", *CHOICES})
    if unknown:
        raise ConditionError(f"The place of {name} has root, {', '.join(CHOICES)}, and no {', '.join(unknown)}.")
    return {key: place[key] for key in CHOICES if place.get(key) is not None}


def protocol_with_weather(
    protocol: str | Mapping[str, Any] | Protocol,
    adapt: str | Mapping[str, Any] | None = None,
    places: Places | None = None,
) -> Protocol:
    """The protocol of a run: its corruptions and real weather, adapted to if asked for.

    Args:
        protocol: As in :func:`mmfan.evaluation.protocol.get_protocol`; or ``'clean'``, beside weather.
        adapt: As in :func:`mmfan.evaluation.protocol.under_adaptation`.
        places: As in :func:`with_weather`.

    Raises:
        ProtocolError: There is no such protocol, adaptation or condition.
    """
    wanted = CLEAN_ONLY if protocol == CLEAN_ONLY.name and places else get_protocol(protocol)
    corrupted = wanted if adapt is None or not wanted.cells else under_adaptation(wanted, adapt)
    return with_weather(corrupted, places, adapt)


def weather_cells(cells: Iterable[Cell]) -> list[Cell]:
    """The cells of other pictures than the clean ones of a run."""
    return [cell for cell in cells if kind_of(cell).other_pictures]


def place_of(cell: Cell, places: Places) -> tuple[str, str, str, Any]:
    """Set, split, condition and place of a cell of weather.

    Raises:
        MMFanError: A set of one's own lacks the condition.
    """
    settings, name = _settings(cell), cell.condition.name if cell.condition else ""
    place = places[settings["set"]]
    if isinstance(place, Mapping) and "root" in place:
        place = place["root"]
    elif isinstance(place, Mapping):
        if name not in place:
            raise MMFanError(f"{settings['set']} has no condition {name!r}; it has {shortlist(list(map(str, place)))}.")
        place = place[name]
    return settings["set"], settings.get("split", ""), name, place


def refuse_other_truth(name: str, *, objects: bool) -> None:
    """See that a set that mmfan knows holds the truth that a model is scored by.

    Args:
        name: Of the set; one's own is passed over.
        objects: Whether that is objects, and not label maps.

    Raises:
        MMFanError: It holds the other.
    """
    if name not in KNOWN or objects == (name in OBJECTS):
        return
    if objects:
        raise MMFanError(f"{name} has label maps and no objects: detectors are judged on {', '.join(OBJECTS)}.")
    sets = ", ".join(one for one in KNOWN if one not in OBJECTS and not one.endswith("_reference"))
    raise MMFanError(f"{name} has objects and no label maps: segmentors are judged on {sets}.")


def shown_names(cell: Cell, names: Sequence[str], count: int) -> dict[int, str]:
    """Which of a condition's pictures are kept beside the results, spread evenly: place in ``names`` -> name there.

    The names say set and condition, so that none is taken for another's. Reference frames are not kept.
    """
    condition = cell.condition
    if condition is None or condition.name == REFERENCE_NAME or not count:
        return {}
    return {at: f"{_settings(cell)['set']}/{condition.name}/{names[at]}" for at in spread(len(names), count)}


def _settings(cell: Cell) -> Mapping[str, Any]:
    return {} if cell.condition is None else without_facts(cell.condition).settings


def contents_text(names: Sequence[str], held: Callable[[int], Held], files: Iterable[bytes] = ()) -> str:
    """What a condition's pictures and truth are, for its settings: their number, and a hash of names and bytes.

    Args:
        names: Of the pictures judged.
        held: What the sample of a place in ``names`` holds.
        files: Annotation files of the whole set.
    """
    found = hash_contents(names, held, files, "")
    return f"{len(names)}-{digest_of([found.pictures, found.truth]).hex()[:HASH_LENGTH]}"


def facts_of(contents: Mapping[Cell, str]) -> dict[Cell, dict[str, str]]:
    """The facts that the conditions of cells are told by, from :func:`contents_text` of each, references among them."""
    frames = {
        (_settings(cell)["set"], _settings(cell).get("split")): text
        for cell, text in contents.items()
        if cell.corruption == REFERENCE_NAME
    }
    facts = {}
    for cell, text in contents.items():
        settings = _settings(cell)
        facts[cell] = {"contents": text}
        if settings["reference"] == FRAMES:
            facts[cell]["frames"] = frames[settings["set"], settings.get("split")]
    return facts
