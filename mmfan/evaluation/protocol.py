"""Protocols: the corruptions and severities that a robustness score is taken over, and how they are averaged.

A retention without the name of its protocol cannot be compared with another: the literature uses several lists under
one name ("Cityscapes-C"), and they differ by whole points. A protocol is data. All of them average alike: over the
severities of a type first, then over the types, each type counting once however many severities it has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmfan.corruptions import COMMON, CORRUPTIONS, GROUPS, SEVERITIES, corruption_names, get_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.utils.json_files import parse_json
from mmfan.utils.text import did_you_mean, nearest


class ProtocolError(MMFanError):
    """A protocol that there is not, or that contradicts itself."""


@dataclass(frozen=True)
class Protocol:
    """A list of cells and the groups they are averaged in.

    Attributes:
        name: Stands beside every number taken with it.
        cells: What a model is judged on, beside the clean pictures, which are always judged.
        groups: Group -> its types, for the group means. Each type is in exactly one group, or there are no groups.
        source: Where the list comes from.

    Raises:
        ProtocolError: No cells, a cell twice, the clean cell among them, or groups that are no partition of the types.
    """

    name: str
    cells: tuple[Cell, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    source: str = "user's own"

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", tuple(Cell(*cell) for cell in self.cells))
        object.__setattr__(self, "groups", {group: tuple(types) for group, types in self.groups.items()})
        problems = [*_problems_of_cells(self.cells), *_problems_of_groups(self.groups, self.corruptions)]
        if not isinstance(self.name, str) or not self.name:
            problems.append(f"its name must be a text that is not empty, got {self.name!r}")
        if problems:
            raise ProtocolError(f"Protocol {self.name!r} cannot be used: {'; '.join(problems)}.")

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The types, in the order of their first cell."""
        return tuple(dict.fromkeys(cell.corruption for cell in self.cells))

    @property
    def size(self) -> int:
        """The number of cells, the clean one not counted."""
        return len(self.cells)

    @property
    def averaging(self) -> str:
        """The order of the averages, in words."""
        return "mean over the severities of a type, then over the types"

    def severities(self, corruption: str) -> tuple[int, ...]:
        """The severities at which a type is judged, rising.

        Raises:
            ProtocolError: The type is not part of the protocol.
        """
        found = tuple(sorted(cell.severity for cell in self.cells if cell.corruption == corruption))
        if not found:
            raise ProtocolError(f"Protocol {self.name!r} has no {corruption!r}; it has {', '.join(self.corruptions)}.")
        return found


def _problems_of_cells(cells: tuple[Cell, ...]) -> list[str]:
    problems = []
    if not cells:
        problems.append("it has no cells")
    twice = sorted({str(cell) for cell in cells if cells.count(cell) > 1})
    if twice:
        problems.append(f"cells named twice: {', '.join(twice)}")
    for cell in cells:
        if not isinstance(cell.corruption, str) or not cell.corruption or cell.corruption == CLEAN.corruption:
            problems.append(f"{cell.corruption!r} is no corruption (the clean pictures are judged in any case)")
        elif type(cell.severity) is not int or cell.severity < 1:
            problems.append(
                f"the severities of {cell.corruption} must be whole numbers from 1 on, got {cell.severity!r}"
            )
    return problems


def _problems_of_groups(groups: Mapping[str, tuple[str, ...]], types: tuple[str, ...]) -> list[str]:
    if not groups:
        return []
    members = [name for group in groups.values() for name in group]
    named = {
        "types in no group": [name for name in types if name not in members],
        "types in two groups": sorted({name for name in members if members.count(name) > 1}),
        "grouped types that it does not have": sorted({name for name in members if name not in types}),
        "groups without types": [group for group, names in groups.items() if not names],
    }
    return [f"{what}: {', '.join(names)}" for what, names in named.items() if names]


def _grid(severities: Mapping[str, Iterable[int]]) -> tuple[Cell, ...]:
    return tuple(Cell(name, severity) for name, levels in severities.items() for severity in levels)


_NOISE = ("gaussian_noise", "impulse_noise", "shot_noise", "speckle_noise")
_BLUR = ("motion_blur", "defocus_blur", "glass_blur", "gaussian_blur")
# Kamann and Rother count brightness as digital; ImageNet-C and FAN's script count it as weather.
_KAMANN_GROUPS: dict[str, tuple[str, ...]] = {
    "blur": _BLUR,
    "noise": _NOISE,
    "digital": ("brightness", "contrast", "saturate", "jpeg_compression"),
    "weather": ("snow", "spatter", "fog", "frost"),
}
_KAMANN_TYPES = tuple(name for names in _KAMANN_GROUPS.values() for name in names)
_FAN_SCRIPT_GROUPS: dict[str, tuple[str, ...]] = {
    "blur": _BLUR,
    "noise": _NOISE,
    "digital": ("contrast", "jpeg_compression", "saturate", "pixelate"),
    "weather": ("snow", "fog", "frost", "spatter", "brightness"),
    "extra": ("zoom_blur", "elastic_transform"),
}
_FAN_SCRIPT_TYPES = tuple(name for names in _FAN_SCRIPT_GROUPS.values() for name in names)
_COMMON_GROUPS = {group: tuple(name for name in names if name in COMMON) for group, names in GROUPS.items()}

PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "kamann16",
            _grid({name: (1, 2, 3) if name in _NOISE else SEVERITIES for name in _KAMANN_TYPES}),
            _KAMANN_GROUPS,
            "Kamann and Rother, Benchmarking the Robustness of Semantic Segmentation Models, CVPR 2020 "
            "(arXiv 1908.05005), as used by SegFormer (arXiv 2105.15203, Table 5): noise at severities 1-3",
        ),
        Protocol(
            "fan_repo_s3",
            _grid(dict.fromkeys(_FAN_SCRIPT_TYPES, (1, 2, 3))),
            _FAN_SCRIPT_GROUPS,
            "the Cityscapes-C script published with FAN (arXiv 2204.12451): every type at severities 1-3",
        ),
        Protocol(
            "stl_repo_s5",
            _grid(dict.fromkeys(_FAN_SCRIPT_TYPES, SEVERITIES)),
            _FAN_SCRIPT_GROUPS,
            "the Cityscapes-C script published with STL (arXiv 2401.03844): every type at severities 1-5",
        ),
        Protocol(
            "common15",
            _grid(dict.fromkeys(COMMON, SEVERITIES)),
            _COMMON_GROUPS,
            "Michaelis et al., Benchmarking Robustness in Object Detection, 2019 (arXiv 1907.07484): mPC and rPC of "
            "COCO-C; the 15 types of Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261)",
        ),
        Protocol(
            "fan16",
            _grid(dict.fromkeys(_KAMANN_TYPES, SEVERITIES)),
            _KAMANN_GROUPS,
            "the COCO-C script published with FAN (arXiv 2204.12451): the 16 types of Cityscapes-C at severities 1-5",
        ),
        Protocol(
            "all19",
            _grid(dict.fromkeys(CORRUPTIONS, SEVERITIES)),
            dict(GROUPS),
            "all types of Hendrycks and Dietterich, ICLR 2019 (arXiv 1903.12261), the four held-out ones among them",
        ),
        Protocol(
            "level5",
            _grid(dict.fromkeys(_KAMANN_TYPES, (5,))),
            _KAMANN_GROUPS,
            "Ding et al., HGFormer, CVPR 2023 (arXiv 2305.13031): the 16 types of Cityscapes-C at severity 5 alone",
        ),
    )
}


def get_protocol(protocol: str | Mapping[str, Any] | Protocol) -> Protocol:
    """Find or make a protocol.

    Args:
        protocol: The name of one in :data:`PROTOCOLS`; a protocol, which is returned; or a dict that describes one:
            ``corruptions`` (a list, with ``severities`` for all of them, or a dict type -> severities), ``groups``
            (group -> types; by default each type's own group) and ``name`` and ``source``, both free.

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
    made = Protocol(name, _grid(wanted), _default_groups(wanted) if groups is None else _as_groups(groups), source)
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
    distinct = dict.fromkeys(Cell(*cell) for cell in cells if tuple(cell) != CLEAN)
    rank = {corruption: place for place, corruption in enumerate(corruption_names())}
    ordered = sorted(distinct, key=lambda cell: (rank.get(cell.corruption, len(rank)), cell))
    groups = _default_groups(cell.corruption for cell in ordered)
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
    allowed = {"name", "corruptions", "severities", "groups", "source"}
    unknown = sorted(set(description) - allowed)
    if unknown:
        raise ProtocolError(
            f"A protocol has no {', '.join(map(repr, unknown))}; its keys are {', '.join(sorted(allowed))}."
        )
    if "corruptions" not in description:
        raise ProtocolError("The description of a protocol needs `corruptions`: a list, or a dict type -> severities.")
    return make_protocol(**dict(description))


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
    return SEVERITIES if name in CORRUPTIONS else get_corruption(name).severities


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


def _default_groups(corruptions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    built_in = {name: group for group, names in GROUPS.items() for name in names}
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(corruptions):
        added = name not in built_in and name in corruption_names()
        group = get_corruption(name).group if added else built_in.get(name, "custom")
        groups.setdefault(group, []).append(name)
    return {group: tuple(names) for group, names in groups.items()}
