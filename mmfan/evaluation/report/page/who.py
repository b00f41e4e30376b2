"""Models of a page, numbered: whose a row, a column or a line is, so that each can be switched off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.tables import labels, source_numbers
from mmfan.utils.text import one_line

COLOURS = 8  # classes `line-0` to `line-7` of the style


@dataclass(frozen=True)
class Who:
    """The models of a report, own ones first, then published rows.

    Attributes:
        names: What each is called.
        short: At the head of columns.
        own: How many of them were judged here.
    """

    names: tuple[str, ...]
    short: tuple[str, ...]
    own: int

    @classmethod
    def of(cls, report: Report) -> Who:
        """Those of a report."""
        rows = [f"{row.name} [{at}]" for row, at in zip(report.published, source_numbers(report), strict=True)]
        names = [model.name for model in report.models]
        # as they stand in tables
        return cls(tuple(map(one_line, (*names, *rows))), tuple(map(one_line, (*labels(report), *rows))), len(names))

    def title(self, place: int) -> str:
        """The name, after its letter where columns are headed by letters."""
        name, short = self.names[place], self.short[place]
        return name if name == short else f"{short}: {name}"

    def of_row(self, first: str) -> int | None:
        """Whose row it is, from its first cell."""
        return _find(first, ((name, self.title(place)) for place, name in enumerate(self.short)))

    def of_column(self, head: str) -> int | None:
        """Whose column it is: headed by the name, or by the name and one of its numbers (``fan-t: clean``)."""
        found = _find(head, ((name,) for name in self.short))
        if found is not None:
            return found
        fitting = [place for place, name in enumerate(self.short) if head.startswith(f"{name}: ")]
        return max(fitting, key=lambda place: len(self.short[place]), default=None)


def _find(text: str, names: Iterable[tuple[str, ...]]) -> int | None:
    return next((place for place, known in enumerate(names) if text in known), None)


def colour(place: int) -> str:
    """The style's class of a model's colour and dashes; beyond eight models colours come back with other dashes.

    >>> colour(0), colour(9)
    ('line-0 dash-0', 'line-1 dash-1')
    """
    return f"line-{place % COLOURS} dash-{place // COLOURS % 4}"
