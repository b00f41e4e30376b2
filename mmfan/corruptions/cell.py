"""``Cell``, one entry of the grid that a model is judged on: a corruption at a severity, or the clean pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Cell(NamedTuple):
    """One entry of the grid that a model is judged on.

    What else than the pictures is changed, and how, says the condition of a
    :class:`mmfan.evaluation.conditions.cell.ConditionCell`, which is one of these too.

    Attributes:
        corruption: The name of the corruption; ``clean`` for the pictures as they are.
        severity: 1 and up; 0 for the clean pictures alone.
    """

    corruption: str
    severity: int

    @property
    def pictures(self) -> Cell:
        """What is done to the pictures: the corruption and its severity."""
        return self

    @property
    def condition(self) -> Any:
        """What is done beside corrupting pictures; None for nothing."""
        return None

    @property
    def type_name(self) -> str:
        """What the cell is called without its severity."""
        return self.corruption

    @property
    def slug(self) -> str:
        """A name for files, which no other cell has."""
        return f"{self.corruption}-{self.severity}"

    def described(self) -> dict[str, Any]:
        """The cell in the types of JSON, as records have it."""
        return self._asdict()

    def __str__(self) -> str:
        return self.type_name if self.severity == 0 else f"{self.type_name} {self.severity}"


CLEAN = Cell("clean", 0)


def listed(cells: Iterable[Cell]) -> str:
    """Cells in few words: the severities of a corruption together.

    >>> listed([CLEAN, Cell("fog", 2), Cell("fog", 1), Cell("jpeg_compression", 5)])
    'clean, fog 1/2, jpeg_compression 5'
    """
    rows: dict[str, list[int]] = {}
    for cell in cells:
        rows.setdefault(cell.type_name, []).append(cell.severity)
    return ", ".join(
        name if max(row) == CLEAN.severity else f"{name} {'/'.join(map(str, sorted(row)))}"
        for name, row in rows.items()
    )
