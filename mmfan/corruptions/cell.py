"""``Cell``, one entry of the grid that a model is judged on: a corruption at a severity, or the clean pictures."""

from __future__ import annotations

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
