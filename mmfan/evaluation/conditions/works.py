"""Works of a run's conditions: one for each family of cells, made when its first cell comes. Free of torch itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.kinds import Kind, get_kind
from mmfan.evaluation.conditions.work import NotToModelError, Situation, Work


def working(cells: Sequence[Cell]) -> dict[Condition, Kind]:
    """The conditions among cells that do something to the model, each without its strength, and their kinds.

    Raises:
        ConditionError: A kind is not registered.
    """
    conditions = (cell.condition.of_strength(None) for cell in cells if cell.condition is not None)
    kinds = {condition: get_kind(condition.kind) for condition in conditions}
    return {condition: kind for condition, kind in kinds.items() if kind.factory}


def first_of_each(cells: Sequence[Cell]) -> list[int]:
    """Numbers of the first cell of each work: those that a preflight tries."""
    first: dict[Condition, int] = {}
    works = working(cells)
    for number, cell in enumerate(cells):
        condition = None if cell.condition is None else cell.condition.of_strength(None)
        if condition in works:
            first.setdefault(condition, number)
    return list(first.values())


def refuse_bare_function(cells: Sequence[Cell], told: str) -> None:
    """See that nothing is asked of a model that nobody can look into.

    Raises:
        NotToModelError: A condition works on the model.
    """
    asked = [str(condition) for condition in working(cells)]
    if asked:
        raise NotToModelError(
            f"{', '.join(asked)} cannot be done to {told}: it is done to the layers, or by the gradients, of a model. "
            "Give a module of torch by mmfan.adapters.TorchSegmentor, or judge a config and its checkpoint: "
            "mmfan judge."
        )


class Works:
    """The works of a run.

    Args:
        situation: What each is told.
        cells: All cells of the run: works are made now, so that what cannot be done is said before the first cell.

    Raises:
        MMFanError: A work cannot be done to this model.
    """

    def __init__(self, situation: Situation, cells: Sequence[Cell]) -> None:
        self._made = {condition: kind.work_of(condition, situation) for condition, kind in working(cells).items()}
        self._plain = Work(situation)
        self._at_work = self._plain

    @contextmanager
    def during(self, cell: Cell, own: dict[str, float]) -> Iterator[None]:
        """The time in which a cell is judged; the model is as before afterwards, whatever happens.

        Args:
            cell: The cell.
            own: Takes the scores of the condition's own.
        """
        condition = cell.condition
        work = self._plain if condition is None else self._made.get(condition.of_strength(None), self._plain)
        self._at_work = work
        try:
            work.begin(cell)
            yield
        finally:
            self._at_work = self._plain
            own.update(work.end())

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Take a batch through the model, as the cell at hand asks."""
        return self._at_work.forward(step, batch)
