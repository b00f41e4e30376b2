"""``ConditionCell``: a cell in which something else is done than corrupting pictures, or something beside it."""

from __future__ import annotations

from typing import Any

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions.condition import Condition


class ConditionCell(Cell):
    """An entry of the grid with a condition.

    Where the condition has a strength, ``corruption`` and ``severity`` are its name and its strength: they are the axes
    that scores are tabled along. Where it has none, as adaptations have none, they are those of the pictures.

    Args:
        pictures: What is done to the pictures.
        condition: What is done beside that.

    >>> (
    ...     ConditionCell(CLEAN, Condition("attack", "pgd", 4)),
    ...     ConditionCell(Cell("fog", 3), Condition("adaptation", "bn")),
    ... )
    (ConditionCell('pgd 4'), ConditionCell('fog with bn 3'))
    """

    _pictures: Cell
    _condition: Condition

    def __new__(cls, pictures: Cell, condition: Condition) -> ConditionCell:
        """The cell: its axes are those of the condition, or of the pictures."""
        axes = pictures if condition.strength is None else (condition.name, condition.strength)
        made = super().__new__(cls, *axes)  # type: ignore[arg-type]
        made._pictures, made._condition = Cell(*pictures), condition
        return made

    def __getnewargs__(self) -> tuple[Cell, Condition]:
        return self._pictures, self._condition

    @property
    def pictures(self) -> Cell:
        """What is done to the pictures: the corruption and its severity."""
        return self._pictures

    @property
    def condition(self) -> Condition:
        """What is done beside that."""
        return self._condition

    @property
    def type_name(self) -> str:
        """What the cell is called without its severity, or strength."""
        if self._condition.strength is None:
            return f"{self._pictures.corruption} with {self._condition.name}"
        on = "" if self._pictures == CLEAN else f" on {self._pictures}"
        return f"{self._condition.name}{on}"

    @property
    def slug(self) -> str:
        """A name for files, which no other cell has."""
        return (
            f"{self.corruption}-{self.severity}-{self._condition.kind}-{self._condition.name}-{self._condition.digest}"
        )

    def __str__(self) -> str:
        if self._condition.kind == "weather":  # which has one strength
            adapt = self._condition.settings.get("adapt")
            told = f"{self._condition.name} of {self._condition.settings.get('set', 'the weather')}"
            return told if adapt is None else f"{told} with {adapt['name']}"
        return super().__str__()

    def described(self) -> dict[str, Any]:
        """The cell in the types of JSON, as records have it."""
        return {**self._pictures._asdict(), "condition": self._condition.entry()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConditionCell):
            return False
        return (self._pictures, self._condition) == (other._pictures, other._condition)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((tuple(self._pictures), self._condition))

    def __repr__(self) -> str:
        return f"ConditionCell({str(self)!r})"


def cell_of(pictures: Cell, condition: Condition | None = None) -> Cell:
    """The cell of pictures and a condition, if there is one."""
    return pictures if condition is None else ConditionCell(pictures, condition)
