"""``Protocol``: a list of cells and the groups they are averaged in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import (
    Condition,
    ConditionError,
    Kind,
    beside_of,
    cell_of,
    family_of,
    kind_of,
    reference_of,
    whole_cells,
    without_facts,
)

CLEAN_PROTOCOL = "clean"  # the one that may have no cells


class ProtocolError(MMFanError):
    """A protocol that there is not, or that contradicts itself."""


@dataclass(frozen=True)
class Protocol:
    """A list of cells and the groups they are averaged in.

    Attributes:
        name: Stands beside every number taken with it.
        cells: What a model is judged on, beside the clean pictures, which are always judged. They may be of several
            families: the corruptions, and conditions of one kind and setting each (:attr:`families`).
        groups: Group -> its types, for the group means. Each type is in exactly one group, or there are no groups.
            Names of conditions with strengths of their own need be in none.
        source: Where the list comes from.

    Raises:
        ProtocolError: No cells, a cell twice, the clean cell among them, or groups that are no partition of the types.
    """

    name: str
    cells: tuple[Cell, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    source: str = "user's own"

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", tuple(_as_cell(cell) for cell in self.cells))
        object.__setattr__(self, "groups", {group: tuple(types) for group, types in self.groups.items()})
        problems = [
            *_problems_of_cells(self.cells, self.name),
            *_problems_of_groups(self.groups, self._to_be_grouped),
        ]
        if not isinstance(self.name, str) or not self.name:
            problems.append(f"its name must be a text that is not empty, got {self.name!r}")
        if problems:
            raise ProtocolError(f"Protocol {self.name!r} cannot be used: {'; '.join(problems)}.")

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The types, in the order of their first cell."""
        return tuple(dict.fromkeys(cell.corruption for cell in self.cells))

    @property
    def _to_be_grouped(self) -> tuple[str, ...]:
        on_pictures = [cell for cell in self.cells if cell.condition is None or cell.condition.strength is None]
        return tuple(dict.fromkeys(cell.corruption for cell in on_pictures))

    @property
    def families(self) -> tuple[Protocol, ...]:
        """A protocol for each family of cells, in the order of their first; the same where there is but one.

        Only cells of one family are averaged: a mean over corruptions and attacks says nothing.
        """
        cells: dict[tuple[object, ...], list[Cell]] = {}
        for cell in self.cells:
            cells.setdefault(family_of(cell), []).append(cell)
        if len(cells) <= 1:
            return (self,)
        return tuple(self._family(own) for own in cells.values())

    def _family(self, cells: list[Cell]) -> Protocol:
        types = {cell.corruption for cell in cells}
        groups = {group: tuple(name for name in names if name in types) for group, names in self.groups.items()}
        kept = {group: names for group, names in groups.items() if names}
        on_pictures = cells[0].condition is None or cells[0].condition.strength is None
        name = self.name if cells[0].condition is None else f"{self.name}: {family_text(cells[0])}"
        return Protocol(name, tuple(cells), kept if on_pictures else {}, self.source)

    @property
    def first(self) -> Cell:
        """The first cell; the clean one where there are none."""
        return self.cells[0] if self.cells else CLEAN

    @property
    def kind(self) -> Kind:
        """What the cells are, the first of them where they are of several families."""
        return kind_of(self.first)

    @property
    def reference(self) -> Cell:
        """The clean cell that all others are held against."""
        return reference_of(self.first)

    @property
    def judged(self) -> tuple[Cell, ...]:
        """All that a model is judged on: the clean references, clean cells told beside them, and the cells."""
        besides = (beside_of(cell) for cell in self.cells)
        references = map(reference_of, self.cells)
        clean = dict.fromkeys([*references, *(cell for cell in besides if cell is not None)] or [CLEAN])
        return (*(cell for cell in clean if cell not in self.cells), *self.cells)

    def under(self, condition: Condition) -> Protocol:
        """The same corruptions, judged under a condition that has no strength of its own: an adaptation.

        Raises:
            ProtocolError: The condition has a strength, or a cell has a condition already.
        """
        if condition.strength is not None or any(cell.condition is not None for cell in self.cells):
            raise ProtocolError(
                f"The cells of {self.name} cannot be judged under {condition} as well: judge the corruptions with the "
                "adaptation in a run of their own; both runs may write to one results file."
            )
        cells = tuple(cell_of(cell, condition) for cell in self.cells)
        return replace(self, name=f"{self.name} with {condition}", cells=cells)

    def whole(self, batch_size: int, processes: int = 1) -> Protocol:
        """The same, whose conditions say what the run decides as well (:func:`whole_cells`); itself without conditions.

        Raises:
            ProtocolError: A condition cannot be judged so.
        """
        if all(cell.condition is None for cell in self.cells):
            return self
        try:
            return replace(self, cells=whole_cells(self.cells, batch_size, processes))
        except ConditionError as error:
            raise ProtocolError(f"Protocol {self.name!r} cannot be judged so: {error}") from error

    def told(self, facts: Mapping[Cell, Mapping[str, Any]]) -> Protocol:
        """The same, with more settings in the conditions of some cells: what the run found of their pictures."""
        if not facts:
            return self
        cells = (
            cell_of(cell.pictures, cell.condition.with_settings(**facts[cell]))
            if cell.condition is not None and cell in facts
            else cell
            for cell in self.cells
        )
        return replace(self, cells=tuple(cells))

    @property
    def size(self) -> int:
        """The number of cells, the clean one not counted."""
        return len(self.cells)

    @property
    def averaging(self) -> str:
        """The order of the averages, in words."""
        if not self.kind.averaged:
            return "no mean over strengths"
        return "mean over the severities of a type, then over the types" if self.graded else "mean over the conditions"

    @property
    def graded(self) -> bool:
        """Whether the types have severities or strengths: real weather has none, but one score a condition."""
        return not self.kind.together

    def severities(self, corruption: str) -> tuple[int, ...]:
        """The severities at which a type is judged, rising.

        Raises:
            ProtocolError: The type is not part of the protocol.
        """
        found = tuple(sorted(cell.severity for cell in self.cells if cell.corruption == corruption))
        if not found:
            raise ProtocolError(f"Protocol {self.name!r} has no {corruption!r}; it has {', '.join(self.corruptions)}.")
        return found


def family_text(cell: Cell) -> str:
    """The family of a cell with a condition, in words."""
    kind, condition = kind_of(cell), cell.condition
    if kind.each:
        return kind.title.lower()
    condition = without_facts(condition)
    told = str(condition.of_strength(None))
    if kind.together:
        told = ", ".join([kind.name, *condition.told])
    return told if condition.strength is None or cell.pictures == CLEAN else f"{told} on {cell.pictures}"


def _as_cell(cell: Cell | tuple[str, int]) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(*cell)


def _problems_of_cells(cells: tuple[Cell, ...], name: str) -> list[str]:
    problems = []
    if not cells and name != CLEAN_PROTOCOL:
        problems.append("it has no cells")
    twice = sorted({str(cell) for cell in cells if cells.count(cell) > 1})
    if twice:
        problems.append(f"cells named twice: {', '.join(twice)}")
    for cell in (cell for cell in cells if cell.condition is None or cell.condition.strength is None):
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
