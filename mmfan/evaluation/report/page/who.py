"""Models of a page, numbered: whose a row, a column or a line is, so that each can be switched off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.tables.words import labels_of, published_name
from mmfan.utils.text import one_line

COLOURS = 8  # classes `line-0` to `line-7` of the style


@dataclass(frozen=True)
class Who:
    """What has a row or a column of its own: models, then groups of them, then published rows.

    Attributes:
        titles: What each is called, after its letter where columns are headed by letters.
        short: At the head of columns.
        own: How many of them are models that were judged here.
    """

    titles: tuple[str, ...]
    short: tuple[str, ...]
    own: int

    @classmethod
    def of(cls, report: Report) -> Who:
        """Those of a report, as they stand in its tables."""
        label = labels_of(report)
        names = {model.name: model.name for model in report.models}
        names |= {group.name: f"{group.name} (n = {group.summary.runs})" for group in report.groups}
        titles = [said if label[name] == name else f"{label[name]}: {said}" for name, said in names.items()]
        short = [label[name] for name in names]
        published = [published_name(report, row) for row in report.published]
        return cls(
            tuple(map(one_line, (*titles, *published))), tuple(map(one_line, (*short, *published))), len(report.models)
        )

    @classmethod
    def of_runs(cls, report: Report) -> Who:
        """The runs of a report without models."""
        names = tuple(one_line(run.name) for run in report.runs)
        return cls(names, names, len(names))

    def title(self, place: int) -> str:
        """What the one at a place is called."""
        return self.titles[place]

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
