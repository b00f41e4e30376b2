"""Mean and spread of several runs of one method: the seeds of its training, above all.

Each number of a summary is taken for every run by itself, and then the mean and the sample standard deviation (n - 1)
over the runs: a retention is the mean of the runs' retentions, not the ratio of their means.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.summary import Summary, WorstCell
from mmfan.evaluation.summary.truth import Classes

Key = TypeVar("Key", str, int)


class Spread(NamedTuple):
    """One number of several runs.

    Attributes:
        mean: Over the runs.
        std: Their sample standard deviation, with n - 1.
        low: The least.
        high: The most.
        n: How many runs.
    """

    mean: float
    std: float
    low: float
    high: float
    n: int


def spread(values: Iterable[float]) -> Spread:
    """Mean and spread of at least two numbers.

    >>> spread([0.0, 0.5, 1.0])
    Spread(mean=0.5, std=0.5, low=0.0, high=1.0, n=3)
    """
    every = list(values)
    return Spread(statistics.fmean(every), statistics.stdev(every), min(every), max(every), len(every))


@dataclass(frozen=True)
class GroupSummary:
    """Several runs under one protocol; the names are those of a :class:`Summary`, the numbers are spreads.

    ``worst`` is the cell of the lowest mean. What one of the runs lacks (a clean score) the group lacks as well.
    """

    name: str
    dataset: str
    protocol: str
    protocol_cells: int
    cells: int
    metric: str
    runs: int
    clean: Spread | None
    corrupted: Spread
    corrupted_by_groups: Spread | None
    retention: Spread | None
    retention_by_groups: Spread | None
    by_group: dict[str, Spread]
    by_corruption: dict[str, Spread]
    retention_by_group: dict[str, Spread]
    retention_by_corruption: dict[str, Spread]
    by_severity: dict[int, Spread]
    scores: dict[str, dict[int, Spread]]
    worst: WorstCell
    drop_per_severity: Spread | None
    classes: Classes | None
    partial: bool = False

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON; a spread is a dict of mean, std, low, high and n."""
        plain = {key: _plain(value) for key, value in vars(self).items() if key not in ("classes", "worst")}
        cell, level, score = self.worst
        return plain | {"worst": {"corruption": cell, "severity": level, "mean": score}}


def _plain(value: Any) -> Any:
    if isinstance(value, Spread):
        return value._asdict()
    return {str(key): _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def summarize_group(name: str, summaries: Sequence[Summary]) -> GroupSummary:
    """Join the summaries of several runs.

    Args:
        name: Of the group.
        summaries: Of the same protocol, metric and data set, with all cells.

    Raises:
        SummaryError: There are fewer than two; they are of unlike protocols, metrics, data sets or classes; one lacks
            cells.
    """
    if len(summaries) < 2:
        raise SummaryError(f"Expected two runs or more in the group {name!r}, got {len(summaries)}.")
    kinds: tuple[tuple[str, Callable[[Summary], object]], ...] = (
        ("protocols", lambda one: one.protocol),
        ("cells", lambda one: {level: list(row) for level, row in one.scores.items()}),
        ("metrics", lambda one: one.metric),
        ("data sets", lambda one: one.dataset),
        ("classes", lambda one: one.classes),
    )
    first = summaries[0]
    for what, of in kinds:
        odd = next((one for one in summaries if of(one) != of(first)), None)
        if odd is not None:
            raise SummaryError(
                f"The runs of the group {name!r} are of unlike {what} ({first.name}: {of(first)}; {odd.name}: "
                f"{of(odd)}), so that they have no mean."
            )
    if any(one.partial for one in summaries):
        raise SummaryError(f"A run of the group {name!r} lacks cells; a mean over runs needs all of them.")
    scores = {kind: _of_each([one.scores[kind] for one in summaries]) for kind in first.scores}
    kind, level = min(
        ((kind, level) for kind, row in scores.items() for level in row), key=lambda cell: scores[cell[0]][cell[1]].mean
    )
    return GroupSummary(
        name=name,
        dataset=first.dataset,
        protocol=first.protocol,
        protocol_cells=first.protocol_cells,
        cells=first.cells,
        metric=first.metric,
        runs=len(summaries),
        clean=_of([one.clean for one in summaries]),
        corrupted=spread(one.corrupted for one in summaries),
        corrupted_by_groups=_of([one.corrupted_by_groups for one in summaries]),
        retention=_of([one.retention for one in summaries]),
        retention_by_groups=_of([one.retention_by_groups for one in summaries]),
        by_group=_of_each([one.by_group for one in summaries]),
        by_corruption=_of_each([one.by_corruption for one in summaries]),
        retention_by_group=_of_each(
            [
                {group: score / one.clean for group, score in one.by_group.items()} if one.clean else {}
                for one in summaries
            ]
        ),
        retention_by_corruption=_of_each([one.retention_by_corruption for one in summaries]),
        by_severity=_of_each([one.by_severity for one in summaries]),
        scores=scores,
        worst=WorstCell(kind, level, scores[kind][level].mean),
        drop_per_severity=_of([one.drop_per_severity for one in summaries]),
        classes=first.classes,
    )


def _of(values: Sequence[float | None]) -> Spread | None:
    there = [value for value in values if value is not None]
    return spread(there) if len(there) == len(values) else None


def _of_each(tables: Sequence[dict[Key, float]]) -> dict[Key, Spread]:
    return {key: spread(table[key] for table in tables) for key in tables[0]}
