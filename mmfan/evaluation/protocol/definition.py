"""``Protocol``: a list of cells and the groups they are averaged in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError


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


def grid(severities: Mapping[str, Iterable[int]]) -> tuple[Cell, ...]:
    """The cells of types at their severities, type by type."""
    return tuple(Cell(name, severity) for name, levels in severities.items() for severity in levels)
