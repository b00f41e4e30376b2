"""The table of evidence: means and spreads over seeds, beside the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

from mmfan.benchmark.page import fill_marks
from mmfan.benchmark.robust.arms import ARMS, BASELINE
from mmfan.benchmark.robust.evidence import FULL, Evidence, Row
from mmfan.corruptions import CBAR
from mmfan.errors import MMFanError
from mmfan.evaluation.summary.uncertainty.spread import spread
from mmfan.utils.tables import Table, markdown_table
from mmfan.utils.text import signed

ABSENT = "not measured"
NONE = "-"
HEAD = (
    "arm", "seeds", "clean", "corrupted", "retention", "clean gain", "corrupted gain", "retention gain", "C-bar",
    "unseen", "baseline there", "ECE", "time", "memory",
)  # fmt: skip
GAINED: tuple[Callable[[Row], float], ...] = (
    lambda row: row.clean,
    lambda row: row.corrupted,
    lambda row: row.retention,
)


def evidence_table(evidence: Evidence) -> Table:
    """The table: a row for each arm that there is; those that were not measured too, but for trainings in full."""
    base = evidence.rows.get(BASELINE, ())
    lines = [(arm, *_line(arm, evidence, base)) for arm in ARMS if arm in evidence.rows or not evidence.in_full]
    caption = (
        f"{evidence.judged}, mean and standard deviation over the seeds. gain: what the arm has more than the baseline "
        "of the same seed, which saw the same crops, in points; mean over the seeds and, of two and more, its standard "
        "error. C-bar: retention over its ten types. unseen: retention over the types that the arm's training does not "
        "show, and that of the baseline over the same types and seeds. ECE: under corruption, in %. "
        "time, memory: of an iteration, as shares of the baseline's"
    )
    return Table("Evidence", caption, HEAD, tuple(lines))


def gains_table(evidence: Evidence) -> Table:
    """What each arm gains by groups of types, and with the first seed alone, which arms of any number of seeds have.

    It has a row for each arm that was trained beside the baseline; none without a baseline.
    """
    base = evidence.rows.get(BASELINE, ())
    first = [row for row in base if base and row.seed == base[0].seed]
    arms = {arm: rows for arm, rows in evidence.rows.items() if arm != BASELINE and base}
    several = any(len(rows) > 1 for rows in arms.values())
    alone = tuple(f"{name}, seed {first[0].seed}" for name in ("clean", "corrupted", "retention")) if several else ()
    lines = []
    for arm, rows in arms.items():
        by_group = [_gain(rows, base, partial(_over, types=types)) for types in FULL.groups.values()]
        lines.append((arm, str(len(rows)), *by_group, *(_gain(rows, first, value) for value in GAINED if several)))
    caption = "Gains in points by groups of types" + (
        f", and those with seed {first[0].seed} alone, by which arms of one seed and of several can be compared"
        if several
        else ""
    )
    return Table("Gains", caption, ("arm", "seeds", *FULL.groups, *alone), tuple(lines))


def _over(row: Row, types: Sequence[str]) -> float:
    return fmean(row.by_type[name] for name in types)


def _line(arm: str, evidence: Evidence, base: Sequence[Row]) -> tuple[str, ...]:
    rows = evidence.rows.get(arm)
    cost = evidence.costs.get(arm, {})
    costs = tuple(f"{cost[name]:.2f}" if name in cost else NONE for name in ("seconds", "memory"))
    if not rows:
        return (NONE, ABSENT, *(NONE,) * 9, *costs)
    unseen = _unseen(rows, rows[0].by_type)
    return (
        str(len(rows)),
        _told(rows, lambda row: row.clean),
        _told(rows, lambda row: row.corrupted),
        _told(rows, lambda row: row.retention),
        *(NONE if arm == BASELINE else _gain(rows, base, value) for value in GAINED),
        _told(rows, lambda row: row.retention_over(set(CBAR))),
        _told(rows, lambda row: row.retention_over(unseen)),
        _told(_of_the_seeds(base, rows), lambda row: row.retention_over(unseen)),
        _told(rows, lambda row: row.ece),
        *costs,
    )


def _unseen(rows: Sequence[Row], types: Iterable[str]) -> frozenset[str]:
    """The types that no training of an arm showed; none where one of them does not tell, or not of all its steps."""
    if any(row.seen is None or row.unknown for row in rows):
        return frozenset()
    return frozenset(types).difference(*(row.seen or () for row in rows))


def _of_the_seeds(base: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """The baseline's trainings of the seeds that an arm has."""
    seeds = {row.seed for row in rows}
    return [row for row in base if row.seed in seeds]


def _gain(rows: Sequence[Row], base: Sequence[Row], value: Callable[[Row], float]) -> str:
    """The mean difference from the baseline of the same seed in points, and its standard error if there are several."""
    before = {row.seed: value(row) for row in base}
    gains = [100 * (value(row) - before[row.seed]) for row in rows if row.seed in before]
    if not gains:
        return NONE
    error = f" ± {stdev(gains) / len(gains) ** 0.5:.1f}" if len(gains) > 1 else ""
    return signed(fmean(gains)) + error


def _told(rows: Sequence[Row], value: Callable[[Row], float | None]) -> str:
    """Mean and spread of a number in percent."""
    values = [found for row in rows if (found := value(row)) is not None]
    if not values or len(values) < len(rows):
        return NONE
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    over_seeds = spread(values)
    return f"{100 * over_seeds.mean:.1f} ± {100 * over_seeds.std:.1f}"


def evidence_markdown(evidence: Evidence) -> str:
    """Both tables under their captions, C-bar without the types that a training shows, and what is left out."""
    table = evidence_table(evidence)
    text = f"{table.caption[0].upper()}{table.caption[1:]}.\n\n{markdown_table(table)}"
    gains = gains_table(evidence)
    if gains.rows:
        text += f"\n\n{gains.caption}:\n\n{markdown_table(gains)}"
    base = evidence.rows.get(BASELINE, ())
    for arm, rows in evidence.rows.items():
        unseen = _unseen(rows, CBAR)
        if rows[0].bar and 0 < len(unseen) < len(CBAR):
            shown = [name for name in CBAR if name not in unseen]
            own = _told(rows, lambda row, types=unseen: row.retention_over(types))  # type: ignore[misc]
            there = _told(_of_the_seeds(base, rows), lambda row, types=unseen: row.retention_over(types))  # type: ignore[misc]
            text += (
                f"\n\nThe training of {arm} shows {', '.join(shown)} of C-bar. Retention over the others: {own}; "
                f"baseline there: {there}."
            )
        unknown = dict.fromkeys(name for row in rows for name in row.unknown)
        if unknown:
            text += (
                f"\n\nNobody has said what these steps of the training of {arm} show, and so it has no unseen types: "
                f"{', '.join(unknown)}."
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


def read_page(path: Path, name: str) -> str:
    """A page that :func:`fill_page` can fill.

    Raises:
        MMFanError: It is no text in UTF-8, or has no such marks.
        OSError: It cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        fill_marks(text, "evidence", name, "")
    except UnicodeDecodeError as error:
        raise MMFanError(f"Expected a page in UTF-8, got {path} ({error.reason}): save it in that encoding.") from error
    except MMFanError as error:
        raise MMFanError(f"{path} cannot be filled. {error}") from error
    return text
