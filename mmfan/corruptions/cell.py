"""``Cell``, one entry of the grid that a model is judged on: a corruption at a severity, or the clean pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Cell(NamedTuple):
    """One entry of the grid that a model is judged on.

    Attributes:
        corruption: The name of the corruption; ``clean`` for the pictures as they are.
        severity: 1 and up; 0 for the clean pictures alone.
    """

    corruption: str
    severity: int

    def __str__(self) -> str:
        return self.corruption if self.severity == 0 else f"{self.corruption} {self.severity}"


CLEAN = Cell("clean", 0)


def listed(cells: Iterable[Cell]) -> str:
    """Cells in few words: the severities of a corruption together.

    >>> listed([CLEAN, Cell("fog", 2), Cell("fog", 1), Cell("jpeg_compression", 5)])
    'clean, fog 1/2, jpeg_compression 5'
    """
    rows: dict[str, list[int]] = {}
    for cell in cells:
        rows.setdefault(cell.corruption, []).append(cell.severity)
    return ", ".join(
        name if name == CLEAN.corruption else f"{name} {'/'.join(map(str, sorted(row)))}" for name, row in rows.items()
    )
