"""Works of a run's conditions: one for each family of cells, made when its first cell comes. Free of torch itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions.condition import Condition
from mmfan.evaluation.conditions.kinds import at_work, family_of, get_kind
from mmfan.evaluation.conditions.work import NotToModelError, Situation, Work

Family = tuple[Any, ...]  # of cells: mmfan.evaluation.conditions.kinds.family_of


def working(cells: Sequence[Cell]) -> dict[Family, Condition]:
    """The families of cells in which something is done to the model, and what, without its strength.

    Raises:
        ConditionError: A kind is not registered.
    """
    found = ((family_of(cell), at_work(cell)) for cell in cells)
    return {family: condition.of_strength(None) for family, condition in found if condition is not None}


def first_of_each(cells: Sequence[Cell]) -> list[int]:
    """Numbers of the first cell of each work: those that a preflight tries."""
    first: dict[Family, int] = {}
    for number, cell in enumerate(cells):
        if at_work(cell) is not None:
            first.setdefault(family_of(cell), number)
    return list(first.values())


def refuse_bare_function(cells: Sequence[Cell], told: str) -> None:
    """See that nothing is asked of a model that nobody can look into.

    Raises:
        NotToModelError: A condition works on the model.
    """
    asked = list(dict.fromkeys(str(condition) for condition in working(cells).values()))
    if asked:
        raise NotToModelError(
            f"{', '.join(asked)} cannot be done to {told}: it is done to the layers, or by the gradients, of a model. "
            "Give a module of torch by mmfan.adapters.TorchSegmentor or TorchClassifier, or judge a config and its "
            "checkpoint: mmfan judge."
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
        self._made = {family: get_kind(one.kind).work_of(one, situation) for family, one in working(cells).items()}
        self._plain = Work(situation)
        self._at_work = self._plain

    @contextmanager
    def during(self, cell: Cell, own: dict[str, float]) -> Iterator[None]:
        """The time in which a cell is judged; the model is as before afterwards, whatever happens.

        Args:
            cell: The cell.
            own: Takes the scores of the condition's own.
        """
        work = self._made.get(family_of(cell), self._plain)
        self._at_work = work
        try:
            work.begin(cell)
            yield
        finally:
            self._at_work = self._plain
            own.update(work.end())

    def counted(self, truth: Any, name: str) -> Any:
        """The label map that scores of the cell at hand are of."""
        return self._at_work.counted(truth, name)

    def given(self, of: Any, picture: Any) -> Any:
        """What the model was given of a picture of the last batch; see :meth:`Work.given`."""
        return self._at_work.given(of, picture)

    def forward(self, step: Callable[[Any], Any], batch: Any) -> Any:
        """Take a batch through the model, as the cell at hand asks."""
        return self._at_work.forward(step, batch)
