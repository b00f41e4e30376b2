"""The table of evidence: means and spreads over seeds, beside the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, stdev

from mmfan.benchmark.page import fill_marks
from mmfan.benchmark.robust.arms import ARMS, BASELINE
from mmfan.benchmark.robust.evidence import Evidence, Row
from mmfan.corruptions import CBAR
from mmfan.evaluation.summary.uncertainty.spread import spread
from mmfan.utils.tables import Table, markdown_table

ABSENT = "not measured"
NONE = "-"
HEAD = (
    "arm", "seeds", "clean", "corrupted", "retention", "corrupted gain", "retention gain", "C-bar", "unseen",
    "baseline there", "ECE", "time", "memory",
)  # fmt: skip


def evidence_table(evidence: Evidence) -> Table:
    """The table: a row for each arm that there is; those that were not measured too, but for trainings in full."""
    base = evidence.rows.get(BASELINE)
    lines = [(arm, *_line(arm, evidence, base)) for arm in ARMS if arm in evidence.rows or not evidence.in_full]
    caption = (
        f"{evidence.judged}, mean and standard deviation over the seeds. gain: difference of the means from the "
        "baseline's, in points, with its standard error by the spread over seeds (where an arm has one seed by the "
        "baseline's). C-bar: retention over its ten types. unseen: retention over the types that "
        "the arm's training does not show, and that of the baseline over the same types. ECE: under corruption, in %. "
        "time, memory: of an iteration, as shares of the baseline's"
    )
    return Table("Evidence", caption, HEAD, tuple(lines))


def _line(arm: str, evidence: Evidence, base: tuple[Row, ...] | None) -> tuple[str, ...]:
    rows = evidence.rows.get(arm)
    cost = evidence.costs.get(arm, {})
    costs = tuple(f"{cost[name]:.2f}" if name in cost else NONE for name in ("seconds", "memory"))
    if not rows:
        return (NONE, ABSENT, *(NONE,) * 8, *costs)
    unseen = _unseen(rows, rows[0].by_type)
    return (
        str(len(rows)),
        _told(rows, lambda row: row.clean),
        _told(rows, lambda row: row.corrupted),
        _told(rows, lambda row: row.retention),
        *(
            NONE if base is None or arm == BASELINE else _gain(rows, base, value)
            for value in (lambda row: row.corrupted, lambda row: row.retention)
        ),
        _told(rows, lambda row: row.retention_over(set(CBAR))),
        _told(rows, lambda row: row.retention_over(unseen)),
        _told(base, lambda row: row.retention_over(unseen)) if base else NONE,
        _told(rows, lambda row: row.ece),
        *costs,
    )


def _unseen(rows: Sequence[Row], types: Iterable[str]) -> frozenset[str]:
    """The types that no training of an arm showed; none where one of them does not tell."""
    if any(row.seen is None for row in rows):
        return frozenset()
    return frozenset(types).difference(*(row.seen or () for row in rows))


def _gain(rows: Sequence[Row], base: Sequence[Row], value: Callable[[Row], float]) -> str:
    """The difference of the means in points, and its standard error; without it where there is one baseline."""
    own, other = ([100 * value(row) for row in some] for some in (rows, base))
    difference = f"{fmean(own) - fmean(other) + 0.0:+.1f}"
    if len(other) < 2:
        return difference
    spreads = [stdev(own if len(own) > 1 else other), stdev(other)]
    error = math.hypot(spreads[0] / len(own) ** 0.5, spreads[1] / len(other) ** 0.5)
    return f"{difference} ± {error:.1f}"


def _told(rows: Sequence[Row], value: Callable[[Row], float | None]) -> str:
    """Mean and spread of a number in percent."""
    values = [found for row in rows if (found := value(row)) is not None]
    if len(values) < len(rows):
        return NONE
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    over_seeds = spread(values)
    return f"{100 * over_seeds.mean:.1f} ± {100 * over_seeds.std:.1f}"


def evidence_markdown(evidence: Evidence) -> str:
    """The table under its caption; C-bar without the types that a training shows; which rows are unfinished."""
    table = evidence_table(evidence)
    text = f"{table.caption[0].upper()}{table.caption[1:]}.\n\n{markdown_table(table)}"
    base = evidence.rows.get(BASELINE)
    for arm, rows in evidence.rows.items():
        unseen = _unseen(rows, CBAR)
        if rows[0].bar and 0 < len(unseen) < len(CBAR):
            shown = [name for name in CBAR if name not in unseen]
            own = _told(rows, lambda row, types=unseen: row.retention_over(types))  # type: ignore[misc]
            there = _told(base, lambda row, types=unseen: row.retention_over(types)) if base else NONE  # type: ignore[misc]
            text += (
                f"\n\nThe training of {arm} shows {', '.join(shown)} of C-bar. Retention over the others: {own}; "
                f"baseline there: {there}."
            )
    if evidence.partly:
        text += f"\n\nJudged in part, and left out: {', '.join(evidence.partly)}."
    return text


def fill_page(text: str, name: str, evidence: Evidence) -> str:
    """A page with the table between its marks, ``<!-- evidence NAME -->`` and ``<!-- end NAME -->``.

    Raises:
        MMFanError: The page has no such marks.
    """
    return fill_marks(text, "evidence", name, evidence_markdown(evidence))
