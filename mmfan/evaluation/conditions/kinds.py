"""Kinds of conditions: what each measures against, how its scores may be averaged, and where its work is written.

A kind is data, and free of torch. What it does to a model is a :class:`mmfan.evaluation.conditions.work.Work`, made by
a function that is named as text (``'module:function'``) and imported by the driver of judging alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions.cell import ConditionCell
from mmfan.evaluation.conditions.condition import Condition, ConditionError
from mmfan.utils.text import did_you_mean


def _as_they_are(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return dict(settings)


def _never(condition: Condition) -> bool:
    return False


def _once(condition: Condition) -> float:
    return 1.0


def _untold(condition: Condition) -> str:
    return ""


def _the_clean_pictures(condition: Condition) -> None:
    return None


def _by_itself(condition: Condition) -> Condition:
    return condition


def _with_nothing(condition: Condition) -> None:
    return None


def _as_it_is(condition: Condition, batch_size: int, processes: int, cells: Sequence[Cell]) -> Condition:
    return condition


@dataclass(frozen=True)
class Kind:
    """A kind of conditions.

    Attributes:
        name: What records and descriptions call it.
        title: The heading of its section in a report.
        strength: What its strengths are, in words and with their unit; empty for a kind without strengths, whose
            conditions go with the severities of corruptions.
        reference: The clean reference in words: what a score is held against.
        comparable: In words, which published lists its numbers can be compared with, and which not.
        averaged: Whether a mean over its types and strengths says anything, and so a retention; without it a report
            shows the scores at each strength alone.
        together: Whether its conditions of one setting are the types of one family, which are averaged and shown side
            by side; without it each name is a family of its own.
        each: Whether every condition of the kind stands for itself, whatever its settings: they are one family, shown
            in one section, without a mean and without a curve.
        change: ``'module:function'``: takes a condition and the number of label pixels that do not count, returns a
            :class:`mmfan.evaluation.conditions.change.Change` of pictures by their truth. Empty for a kind that changes
            no pictures so.
        factory: ``'module:function'``: takes a condition and a :class:`mmfan.evaluation.conditions.work.Situation`,
            returns a :class:`mmfan.evaluation.conditions.work.Work`. Empty for a kind that changes nothing in a model.
        goes_with: Of a kind without a factory, the condition of a kind with one that is done to the model meanwhile:
            the adaptation to real weather; None where there is none.
        plain: The same condition without that.
        settings: Takes the name of a condition and the settings that a user gave; returns all settings, defaults among
            them, in canonical form. Raises :class:`ConditionError` for a name or a setting that there is not.
        continual: Whether the state of one cell goes on into the next one, so that a run that was killed has to go
            through the former cells again.
        passes: How many forward passes a batch costs, about, for estimates of the time; a backward pass counts as two.
        cost: What a picture costs, in words; empty where :attr:`passes` says enough.
        other_pictures: Whether its cells are of other pictures than the clean ones of the run.
        facts: Settings that the run adds and that tell no families apart: contents of pictures.
        other_reference: The condition of the clean cell that a condition is held against, and what that is in words;
            None for the clean pictures, in the words of :attr:`reference`.
        whole: Adds to the settings what the run decides: takes the condition, the number of pictures in a batch, the
            number of processes that share the pictures and all cells of the protocol. Raises :class:`ConditionError`
            where the condition cannot be judged so.
    """

    name: str
    title: str
    strength: str = ""
    reference: str = "the clean pictures"
    comparable: str = ""
    averaged: bool = True
    together: bool = False
    each: bool = False
    change: str = ""
    factory: str = ""
    goes_with: Callable[[Condition], Condition | None] = _with_nothing
    plain: Callable[[Condition], Condition] = _by_itself
    settings: Callable[[str, Mapping[str, Any]], dict[str, Any]] = _as_they_are
    continual: Callable[[Condition], bool] = _never
    passes: Callable[[Condition], float] = _once
    whole: Callable[[Condition, int, int, Sequence[Cell]], Condition] = _as_it_is
    cost: Callable[[Condition], str] = _untold
    other_pictures: bool = False
    facts: tuple[str, ...] = ()
    other_reference: Callable[[Condition], tuple[Condition, str] | None] = _the_clean_pictures

    def work_of(self, condition: Condition, situation: Any) -> Any:
        """The work of a condition in a situation; see :attr:`factory`."""
        return _named(self.factory)(condition, situation)

    def change_of(self, condition: Condition, ignore_index: int) -> Any:
        """What a condition does to pictures; see :attr:`change`."""
        return _named(self.change)(condition, ignore_index)


def _named(text: str) -> Callable[..., Any]:
    """The function of ``'module:function'``."""
    module, _, function = text.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


_KINDS: dict[str, Kind] = {}
CORRUPTION = Kind("corruption", "Corruptions", "severity", comparable="papers that name the same protocol")


def register_kind(kind: Kind) -> Kind:
    """Make a kind known.

    Raises:
        ConditionError: Another one has its name.
    """
    if _KINDS.get(kind.name, kind) != kind or kind.name == CORRUPTION.name:
        raise ConditionError(f"There is a kind of conditions {kind.name!r} already; choose another name.")
    _KINDS[kind.name] = kind
    return kind


def kind_names() -> tuple[str, ...]:
    """The kinds that are known."""
    return tuple(_KINDS)


def get_kind(name: str) -> Kind:
    """The kind of a name.

    Raises:
        ConditionError: There is none; the message names the nearest.
    """
    if name not in _KINDS:
        there = ", ".join(_KINDS) or "none"
        raise ConditionError(f"There is no kind of conditions {name!r}.{did_you_mean(name, _KINDS)} There are {there}.")
    return _KINDS[name]


def kind_of(cell: Cell) -> Kind:
    """The kind of a cell: that of its condition, or :data:`CORRUPTION`.

    Of a kind that is not registered here (its results can be reported on without its code) nothing is known, so that
    nothing is averaged.
    """
    if cell.condition is None:
        return CORRUPTION
    name = cell.condition.kind
    return _KINDS.get(name) or Kind(name, name.capitalize(), averaged=False)


def make_condition(kind: str, name: str, strength: float | None = None, **settings: Any) -> Condition:
    """A condition with all its settings in canonical form.

    Raises:
        ConditionError: There is no such kind or name, a setting is wrong, or the kind has strengths and none is given.
    """
    known = get_kind(kind)
    if bool(known.strength) != (strength is not None):
        wanted = f"needs a strength ({known.strength})" if known.strength else "has no strengths"
        raise ConditionError(f"A condition of kind {kind!r} {wanted}, got strength={strength!r}.")
    return Condition(kind, name, strength, known.settings(name, settings))


def family_of(cell: Cell) -> tuple[Any, ...]:
    """What tells the family of a cell from others: only cells of one family are averaged and shown in one table."""
    condition = cell.condition
    if condition is None:
        return ()
    kind = kind_of(cell)
    own = without_facts(condition).of_strength(None).identity
    pictures = () if condition.strength is None else tuple(cell.pictures)
    if kind.each:
        return (condition.kind, *pictures)
    return (condition.kind, "" if kind.together else condition.name, own[3], *pictures)


def without_facts(condition: Condition) -> Condition:
    """The same without the settings that the run adds of single conditions."""
    facts = _KINDS[condition.kind].facts if condition.kind in _KINDS else ()
    return replace(condition, settings={key: value for key, value in condition.settings.items() if key not in facts})


def reference_of(cell: Cell) -> Cell:
    """The clean cell that a cell is held against: the clean pictures with the model as it is, as a rule."""
    other = None if cell.condition is None else kind_of(cell).other_reference(cell.condition)
    return CLEAN if other is None else ConditionCell(CLEAN, other[0])


def reference_text(cell: Cell) -> str:
    """What a cell is held against, in words."""
    other = None if cell.condition is None else kind_of(cell).other_reference(cell.condition)
    return kind_of(cell).reference if other is None else other[1]


def at_work(cell: Cell) -> Condition | None:
    """What is done to the model while a cell is judged; None where it stays as it is.

    Raises:
        ConditionError: The kind of the cell's condition is not registered.
    """
    condition = cell.condition
    if condition is None:
        return None
    kind = get_kind(condition.kind)
    return condition if kind.factory else kind.goes_with(condition)


def plain_of(cell: Cell) -> Cell | None:
    """The cell of the same pictures with the model as it is; None where the model is not adapted."""
    condition = cell.condition
    if condition is None:
        return None
    if condition.strength is None:
        return cell.pictures
    plain = kind_of(cell).plain(condition)
    return None if plain == condition else ConditionCell(cell.pictures, plain)


def has_own_truth(cell: Cell) -> bool:
    """Whether a cell's pictures are none that another cell has corrupted: the clean ones, or others than those."""
    return cell == CLEAN or kind_of(cell).other_pictures


def beside_of(cell: Cell) -> Cell | None:
    """A clean cell that is judged and told beside the reference: what an adaptation costs, or gains, without need."""
    condition = cell.condition
    if condition is None or condition.strength is not None or cell.pictures == CLEAN or is_continual(cell):
        return None
    return ConditionCell(CLEAN, condition)


def whole_cells(cells: Sequence[Cell], batch_size: int, processes: int = 1) -> tuple[Cell, ...]:
    """The same cells, whose conditions say what the run decides as well: batch and order are part of a record's key.

    Raises:
        ConditionError: A condition cannot be judged with such batches, or by so many processes.
    """
    whole: dict[Condition, Condition] = {}
    made: list[Cell] = []
    for cell in cells:
        condition = cell.condition
        if condition is None:
            made.append(cell)
            continue
        if condition not in whole:
            whole[condition] = kind_of(cell).whole(condition, batch_size, processes, cells)
        made.append(ConditionCell(cell.pictures, whole[condition]))
    return tuple(made)


def passes_of(cell: Cell) -> float:
    """About how many forward passes a batch of the cell costs."""
    return 1.0 if cell.condition is None else kind_of(cell).passes(cell.condition)


def is_continual(cell: Cell) -> bool:
    """Whether the cell's score depends on the cells before it."""
    return cell.condition is not None and kind_of(cell).continual(cell.condition)
