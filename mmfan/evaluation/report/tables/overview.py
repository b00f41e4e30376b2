"""Columns of the first table of a report, and that table: one row a model, a group of runs, or a published model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial as bind
from typing import NamedTuple, TypeAlias

from mmfan.evaluation.report.contents import GroupReport, ModelReport, Report, ReportError
from mmfan.evaluation.report.published import PublishedRow, same_dataset
from mmfan.evaluation.report.tables.words import (
    MISSING,
    cell_words,
    labels_of,
    percent,
    published_name,
    with_protocol,
)
from mmfan.evaluation.summary.summary import Summary
from mmfan.evaluation.summary.uncertainty.intervals import Interval
from mmfan.evaluation.summary.uncertainty.spread import GroupSummary, Spread
from mmfan.utils.tables import Rivals, Table
from mmfan.utils.text import did_you_mean, spoken

Row: TypeAlias = ModelReport | GroupReport | PublishedRow
NARROW = ("clean", "corrupted", "retention")  # what fits a column of a paper


class Within(NamedTuple):
    """A score and its confidence interval."""

    score: float | None
    ends: Interval


class Named(NamedTuple):
    """A score and what it is of: the worst cell, above all."""

    score: float | Spread
    name: str


Value: TypeAlias = float | Spread | Within | Named | int | str | None


@dataclass(frozen=True)
class Column:
    """One column: its head, its value for a row, and whether the rows compete in it.

    Attributes:
        head: Its name.
        value: Row -> its value; fractions for scores.
        words: It holds words.
        ranked: There is a best in it.
        lower: The lowest number is the best.
    """

    head: str
    value: Callable[[Row], Value]
    words: bool = False
    ranked: bool = True
    lower: bool = False

    def text(self, row: Row) -> str:
        """The value as it is printed: scores in percent."""
        value = self.value(row)
        if value is None or isinstance(value, (str, int)):
            return MISSING if value is None else str(value)
        if isinstance(value, Within):
            return f"{percent(value.score)} [{percent(value.ends.low)}, {percent(value.ends.high)}]"
        if isinstance(value, Named):
            return f"{percent(value.score)} ({value.name})"
        return percent(value)

    def raw(self, row: Row) -> dict[str, object]:
        """The value, unrounded, under the head; what else belongs to it under the head and a suffix."""
        value = self.value(row)
        if isinstance(value, Spread):
            return {self.head: value.mean, f"{self.head}:std": value.std, f"{self.head}:runs": value.n}
        if isinstance(value, Named):
            score = value.score.mean if isinstance(value.score, Spread) else value.score
            return {self.head: value.name, f"{self.head}:score": score}
        return {self.head: value.score if isinstance(value, Within) else value}


def scores_of(row: Row) -> Summary | GroupSummary | PublishedRow:
    """Where the numbers of a row are."""
    return row if isinstance(row, PublishedRow) else row.summary


def comparable(row: Row, report: Report) -> bool:
    """Whether a row is on the report's protocol: others may have groups of the same names with other members."""
    return not isinstance(row, PublishedRow) or row.protocol == report.protocol.name


def all_columns(report: Report) -> dict[str, Column]:
    """Every column that can be chosen for the first table of a report, by its head."""
    severities = sorted({cell.severity for cell in report.protocol.cells})
    made = [
        Column("protocol", lambda row: scores_of(row).protocol or "not stated", words=True),
        Column("data set", lambda row: scores_of(row).dataset, words=True),
        Column("cells", _cells, ranked=False),
        *(Column(what, bind(_attribute, what)) for what in NARROW),
        *(
            Column(f"{what}, mean of groups", bind(_attribute, f"{what}_by_groups"))
            for what in ("corrupted", "retention")
        ),
        *(Column(group, bind(_of_table, report, "by_group", group)) for group in report.protocol.groups),
        Column("worst type", worst_type),
        Column("worst cell", bind(_worst_cell, report.protocol.graded)),
        *(Column(spoken(name), bind(_of_table, report, "by_corruption", name)) for name in report.protocol.corruptions),
        *(Column(f"severity {level}", bind(_of_table, report, "by_severity", level)) for level in severities),
        *(Column(f"worst at severity {level}", bind(_worst_at, level)) for level in severities),
    ]
    if report.reference:
        made += [Column("mCE", bind(_error, "mce"), lower=True)]
        made += [Column("relative mCE", bind(_error, "relative_mce"), lower=True)]
    if any(model.intervals for model in report.models):
        made += [Column(f"{what} interval", bind(_interval, what), ranked=False) for what in NARROW]
    if any(model.calibration for model in report.models):
        made += [Column("ECE clean", bind(_ece, "clean"), lower=True)]
        made += [Column("ECE", bind(_ece, "corrupted"), lower=True), Column("known loss", _known, ranked=False)]
    if any(model.flips for model in report.models):
        made += [Column("flips", _flips, lower=True)]
    there: dict[str, Column] = {}
    for column in made:
        there.setdefault(column.head, column)
    return there


def choose_columns(report: Report, names: Sequence[str]) -> list[Column]:
    """The columns of these names; case, hyphens and underscores do not matter, and the model is always the first.

    Raises:
        ReportError: There is no such column; the message lists those that there are.
    """
    there = all_columns(report)
    plain = {_plain(head): column for head, column in there.items()}
    chosen: dict[str, Column] = {}
    for name in names:
        if _plain(name) == "model":
            continue
        if _plain(name) not in plain:
            heads = ", ".join(there)
            raise ReportError(f"There is no column {name!r}.{did_you_mean(name, there)} There are model, {heads}.")
        chosen[_plain(name)] = plain[_plain(name)]
    return list(chosen.values())


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").replace("-", " ")


def overview(report: Report, columns: Sequence[str] = ()) -> Table:
    """Clean, corrupted and retained score of each model, and the means of the groups; published rows at the end.

    Args:
        report: What to show.
        columns: From :func:`all_columns`; none for the usual ones, in which intervals stand beside their scores.
    """
    return table_of_rows(
        report,
        "Overview",
        [*report.entries, *report.published],
        choose_columns(report, columns) if columns else _usual_columns(report),
        (len(report.entries),) if report.published else (),
    )


def table_of_rows(
    report: Report,
    title: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    sections: tuple[int, ...] = (),
    more: str = "",
    rivals: bool = True,
) -> Table:
    """A table of some rows with some columns; ``more`` is added to its caption; the rows compete, or do not."""
    words = 1
    while words <= len(columns) and columns[words - 1].words:
        words += 1
    heads = [column.head for column in columns]
    return Table(
        title,
        _caption(report, rows, columns) + more,
        ("model", *heads),
        tuple(
            (name, *(column.text(row) for column in columns))
            for name, row in zip(_names(report, rows), rows, strict=True)
        ),
        words,
        sections,
        Rivals(
            rival_sets(report, rows) if rivals else (),
            only=tuple(column.head for column in columns if column.ranked and not column.words) or ("",),
            lower=tuple(column.head for column in columns if column.lower),
        ),
    )


def rival_sets(report: Report, rows: Sequence[Row]) -> tuple[tuple[int, ...], ...]:
    """The numbers of the rows that can be compared: whole ones on the report's protocol, by data set."""
    sets: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if not isinstance(row, PublishedRow) and not row.summary.partial:
            sets.setdefault(row.summary.dataset, []).append(place)
    for place, row in enumerate(rows):
        if isinstance(row, PublishedRow) and comparable(row, report):
            for dataset, places in sets.items():
                places += [place] if same_dataset(row.dataset, dataset) else []
    return tuple(map(tuple, sets.values()))


def _names(report: Report, rows: Sequence[Row]) -> list[str]:
    labels = labels_of(report)
    names = []
    for row in rows:
        if isinstance(row, PublishedRow):
            names.append(published_name(report, row))
            continue
        name = f"{row.name} (n = {row.summary.runs})" if isinstance(row, GroupReport) else row.name
        names.append(name if labels[row.name] == row.name else f"{labels[row.name]}: {name}")
    return names


def _usual_columns(report: Report) -> list[Column]:
    there = all_columns(report)
    uneven = any(
        one.summary.corrupted_by_groups is not None
        and not math.isclose(one.summary.corrupted_by_groups, one.summary.corrupted, rel_tol=1e-9)
        for one in report.models
    )
    more = ("corrupted, mean of groups", "retention, mean of groups") if uneven else ()
    scores = [Column(what, bind(_score_and_interval, what)) for what in NARROW]
    heads = (*more, *report.protocol.groups, "worst cell")
    return [there["protocol"], there["cells"], *scores, *(there[head] for head in heads)]


def _caption(report: Report, rows: Sequence[Row], columns: Sequence[Column]) -> str:
    heads = [column.head for column in columns]
    said = f"{report.metric} in %"
    if "retention" in heads:
        said += "; retention (rPC, robustness ratio) is corrupted / clean in %"
    if "corrupted" in heads:
        said += f"; corrupted (mPC) is the {report.protocol.averaging}"
    partly = {str(one.summary.classes) for one in report.models if one.summary.over_some_classes}
    if partly:
        said += f"; means are over the classes that the truth holds, {' or '.join(sorted(partly))}"
    if any(isinstance(row, GroupReport) for row in rows):
        said += "; ± is the sample standard deviation over n runs"
    if any(isinstance(column.value(row), Within) for column in columns for row in rows):
        said += "; in brackets the 95 % confidence interval over pictures"
    published = [row for row in rows if isinstance(row, PublishedRow)]
    if published:
        said += "; numbered rows are published ones, see the sources"
        if any(row.quoted for row in published):
            said += "; † quoted: not given by the model's authors, or read at second hand"
    if "protocol" in heads:
        return said
    others = [published_name(report, row) for row in published if not comparable(row, report)]
    said = with_protocol(report, said)
    return f"{said}; on another protocol, or on one that is not stated: {', '.join(others)}" if others else said


def _attribute(what: str, row: Row) -> Value:
    return getattr(scores_of(row), what, None)


def _of_table(report: Report, table: str, key: str | int, row: Row) -> Value:
    return getattr(scores_of(row), table, {}).get(key) if comparable(row, report) else None


def _score_and_interval(what: str, row: Row) -> Value:
    ends = getattr(row.intervals, what, None) if isinstance(row, ModelReport) else None
    score = getattr(scores_of(row), what)
    return score if ends is None else Within(score, ends)


def _interval(what: str, row: Row) -> Value:
    ends = getattr(row.intervals, what, None) if isinstance(row, ModelReport) else None
    return None if ends is None else f"{percent(ends.low)} to {percent(ends.high)}"


def _cells(row: Row) -> Value:
    found = scores_of(row)
    if isinstance(found, Summary) and found.partial:
        return f"{found.cells} of {found.protocol_cells}"
    return found.cells


def worst_type(row: Row) -> Value:
    """The type of the lowest mean, and that mean."""
    found = scores_of(row).by_corruption
    if not found:
        return None
    name = min(found, key=lambda name: _middle(found[name]))
    return Named(found[name], spoken(name))


def _worst_cell(graded: bool, row: Row) -> Value:
    if isinstance(row, PublishedRow):
        return None
    name, level, score = row.summary.worst
    if isinstance(row, GroupReport):
        return Named(row.summary.scores[name][level], cell_words(name, level, graded))
    return Named(score, cell_words(name, level, graded))


def _worst_at(level: float, row: Row) -> Value:
    """The lowest score over the types that have a severity: SemSegBench's GAM under their protocol."""
    found = scores_of(row)
    lowest = found.worst_by_severity.get(int(level)) if isinstance(found, Summary) else None
    return None if lowest is None else Named(lowest.score, spoken(lowest.corruption))


def _middle(score: float | Spread) -> float:
    return score.mean if isinstance(score, Spread) else score


def _ece(what: str, row: Row) -> Value:
    found = row.calibration if isinstance(row, ModelReport) else None
    return None if found is None else getattr(found, what).get("ECE")


def _known(row: Row) -> Value:
    found = row.calibration if isinstance(row, ModelReport) else None
    return None if found is None else found.known


def _flips(row: Row) -> Value:
    found = row.flips if isinstance(row, ModelReport) else None
    return None if found is None else found.overall


def _error(what: str, row: Row) -> Value:
    error = row.error if isinstance(row, ModelReport) else None
    return getattr(error, what, None)
