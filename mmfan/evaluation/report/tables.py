"""Tables of a report as text, before any format: percentages with one digit, protocol and cells beside them.

Together with :mod:`mmfan.evaluation.report.formats` this is the only place that rounds.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.published import PublishedRow
from mmfan.evaluation.results.store import is_defined
from mmfan.evaluation.summary.summary import Summary
from mmfan.utils.tables import Table
from mmfan.utils.text import counted, spoken

MISSING = "-"
# model names side by side that are wider than this are replaced by letters
WIDEST_HEADER = 90
# published rows beside one's own, by corruption, only up to this many columns in all
MOST_COLUMNS = 8


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction as a percentage; what is not there as a dash.

    >>> percent(0.70314), percent(1), percent(None), percent(float("nan"))
    ('70.3', '100.0', '-', '-')
    """
    return f"{100 * fraction:.{digits}f}" if is_defined(fraction) else MISSING


def labels(report: Report) -> list[str]:
    """What the models are called at the head of columns: their names, or letters where those would be too wide."""
    names = [model.name for model in report.models]
    columns = 2 if any(model.per_class for model in report.models) else 1
    if sum(map(len, names)) * columns <= WIDEST_HEADER:
        return names
    letters = string.ascii_uppercase
    return [
        letters[at] if at < len(letters) else f"{letters[at // 26 - 1]}{letters[at % 26]}" for at in range(len(names))
    ]


def all_tables(report: Report) -> tuple[Table, ...]:
    """Every table of a report, the overview first; those without content are left out."""
    made = [overview(report), scores_by_corruption(report), retention_by_corruption(report), by_severity(report)]
    made += [corruption_errors(report), by_picture(report), scores_by_class(report), retention_by_class(report)]
    return tuple(table for table in made if table.rows)


def source_numbers(report: Report) -> list[int]:
    """The number of each published row's source in :func:`sources`."""
    numbers = {source: number for number, source in enumerate(sources(report), 1)}
    return [numbers[row.source] for row in report.published]


def sources(report: Report) -> list[str]:
    """Where the published rows come from, each once."""
    return list(dict.fromkeys(row.source for row in report.published))


def overview(report: Report) -> Table:
    """Clean, corrupted and retained score of each model, and the means of the groups; published rows at the end."""
    groups = list(report.protocol.groups)
    uneven = any(
        one.summary.corrupted_by_groups is not None
        and not math.isclose(one.summary.corrupted_by_groups, one.summary.corrupted, rel_tol=1e-9)
        for one in report.models
    )
    more = ("corrupted, mean of groups", "retention, mean of groups") if uneven else ()
    head = ("model", "protocol", "cells", "clean", "corrupted", "retention", *more, *groups, "worst cell")
    short = labels(report)
    rows = [
        _overview_row(model, label if label == model.name else f"{label}: {model.name}", groups, uneven)
        for model, label in zip(report.models, short, strict=True)
    ]
    rows += [
        _published_row(row, f"{row.name} [{number}]", groups, len(more), row.protocol == report.protocol.name)
        for row, number in zip(report.published, source_numbers(report), strict=True)
    ]
    caption = (
        f"{report.metric} in %; retention (rPC, robustness ratio) is corrupted / clean in %; corrupted (mPC) is the "
        f"{report.protocol.averaging}"
    )
    partly = {str(one.summary.classes) for one in report.models if one.summary.over_some_classes}
    if partly:
        caption += f"; means are over the classes that the truth holds, {' or '.join(sorted(partly))}"
    if any(model.intervals for model in report.models):
        caption += "; in brackets the 95 % confidence interval over pictures"
    if report.published:
        caption += "; numbered rows are published ones, see the sources"
    sections = (len(report.models),) if report.published else ()
    return Table("Overview", caption, head, tuple(rows), 2, sections)


def _overview_row(model: ModelReport, name: str, groups: Sequence[str], uneven: bool) -> tuple[str, ...]:
    found = model.summary
    cells = f"{found.cells} of {found.protocol_cells}" if found.partial else str(found.cells)
    more = [percent(found.corrupted_by_groups), percent(found.retention_by_groups)] if uneven else []
    worst = f"{percent(found.worst.score)} ({spoken(found.worst.corruption)} {found.worst.severity})"
    main = [
        _with_interval(value, getattr(model.intervals, what, None))
        for what, value in (("clean", found.clean), ("corrupted", found.corrupted), ("retention", found.retention))
    ]
    means = [percent(found.by_group.get(group)) for group in groups]
    return (name, found.protocol, cells, *main, *more, *means, worst)


def _with_interval(value: float | None, ends: tuple[float, float] | None) -> str:
    return percent(value) if ends is None else f"{percent(value)} [{percent(ends[0])}, {percent(ends[1])}]"


def _published_row(row: PublishedRow, name: str, groups: Sequence[str], more: int, comparable: bool) -> tuple[str, ...]:
    cells = MISSING if row.cells is None else str(row.cells)
    main = (percent(row.clean), percent(row.corrupted), percent(row.retention))
    # other protocols may have groups of the same names with other members
    means = [percent(row.by_group.get(group)) if comparable else MISSING for group in groups]
    return (name, row.protocol or "not stated", cells, *main, *[MISSING] * more, *means, MISSING)


class _Column(NamedTuple):
    """The scores by corruption of a model, or of a published row on the same protocol."""

    label: str
    scores: Summary | PublishedRow
    relative: bool = False

    def text(self, score: float | None) -> str:
        """A score in percent; relative ones as shares of the clean score."""
        if not self.relative:
            return percent(score)
        return percent(score / self.scores.clean if self.scores.clean and score is not None else None)


def _columns(report: Report, relative: bool = False) -> list[_Column]:
    own = [_Column(label, model.summary, relative) for label, model in zip(labels(report), report.models, strict=True)]
    published = [
        _Column(f"{row.name} [{number}]", row, relative)
        for row, number in zip(report.published, source_numbers(report), strict=True)
        if row.by_corruption and row.protocol == report.protocol.name
    ]
    return own + published[: max(0, MOST_COLUMNS - len(own))]


def scores_by_corruption(report: Report) -> Table:
    """Mean score over the severities of each corruption, and of each group; columns are models."""
    columns = _columns(report)
    rows, sections = _corruption_rows(report, columns)
    clean = ("clean", *(column.text(column.scores.clean) for column in columns))
    return Table(
        f"{report.metric} by corruption",
        _caption(report, f"{report.metric} in %, mean over the severities of each corruption"),
        ("corruption", *(column.label for column in columns)),
        (clean, *rows),
        sections=tuple(place + 1 for place in sections),
    )


def retention_by_corruption(report: Report) -> Table:
    """Retention on each corruption and group; columns are models."""
    columns = _columns(report, relative=True)
    caption = _caption(report, f"retention of {report.metric} (score / clean score) in %")
    rows, sections = _corruption_rows(report, columns)
    head = ("corruption", *(column.label for column in columns))
    return Table("Retention by corruption", caption, head, rows, sections=sections)


def _corruption_rows(report: Report, columns: Sequence[_Column]) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    """One row a type, after each group its mean, at the end the overall mean; and where the sections begin."""

    def row(title: str, scores: Iterable[float | None]) -> tuple[str, ...]:
        return (title, *(column.text(score) for column, score in zip(columns, scores, strict=True)))

    found = [column.scores for column in columns]
    rows: list[tuple[str, ...]] = []
    sections: list[int] = []
    for group, names in (report.protocol.groups or {"": report.protocol.corruptions}).items():
        sections.append(len(rows))
        rows += [row(spoken(name), (one.by_corruption.get(name) for one in found)) for name in names]
        if group:
            rows.append(row(f"mean of {group}", (one.by_group.get(group) for one in found)))
    sections.append(len(rows))
    rows.append(row("mean of types", (one.corrupted for one in found)))
    return tuple(rows), tuple(sections)


def by_severity(report: Report) -> Table:
    """Mean score at each severity; columns are models."""
    severities = sorted({level for model in report.models for level in model.summary.by_severity})
    if not severities:
        return Table(f"{report.metric} by severity", "", ("severity", *labels(report)), ())
    rows = [("clean", *(percent(model.summary.clean) for model in report.models))]
    rows += [
        (str(level), *(percent(model.summary.by_severity.get(level)) for model in report.models))
        for level in severities
    ]
    rows.append(("drop a step", *(percent(model.summary.drop_per_severity) for model in report.models)))
    left_out = dict.fromkeys(name for model in report.models for name in model.summary.by_severity_left_out)
    types = {model.summary.by_severity_types for model in report.models}
    over = (
        f"mean over the {counted(len(next(iter(types))), 'type')}"
        if len(types) == 1
        else "mean over the types of each model"
    )
    caption = f"{report.metric} in %, {over} judged at every severity of the protocol"
    if left_out:
        caption += f" (not among them: {', '.join(map(spoken, left_out))})"
    caption += "; the last row is the mean drop from one severity to the next, in points"
    return Table(
        f"{report.metric} by severity", _caption(report, caption), ("severity", *labels(report)), tuple(rows), 1,
        (1, len(rows) - 1),
    )  # fmt: skip


def corruption_errors(report: Report) -> Table:
    """Mean corruption error (mCE) and relative mCE against the reference, where one was asked for: rows are models."""
    rows = tuple(
        (label, percent(model.error.mce), percent(model.error.relative_mce))
        for label, model in zip(labels(report), report.models, strict=True)
        if model.error is not None
    )
    caption = _caption(
        report,
        f"errors (1 - {report.metric}) as shares of those of {report.reference} in %, lower is better; relative: of "
        "their growth from clean to corrupted",
    )
    return Table("Corruption error", caption, ("model", "mCE", "relative mCE"), rows)


def by_picture(report: Report) -> Table:
    """The mIoU of single pictures, where the counts are there: rows are models."""
    rows = [
        (
            label,
            *map(percent, (found.clean, found.corrupted, found.retention)),
            *map(percent, (found.worst_decile_clean, found.worst_decile_corrupted)),
        )
        for label, model in zip(labels(report), report.models, strict=True)
        if (found := model.pictures) is not None
    ]
    head = ("model", "clean", "corrupted", "retention", "worst tenth, clean", "worst tenth, corrupted")
    caption = _caption(report, "mIoU of each picture by itself in %, mean over all pictures and over the worst tenth")
    return Table("Image-level mIoU", caption, head, tuple(rows))


def scores_by_class(report: Report) -> Table:
    """Clean and corrupted score of each class; two columns a model."""
    metric = report.class_metric
    caption = _caption(report, f"{metric} of each class in %")
    return _class_table(report, f"{metric} by class", caption, ("clean", "corrupted"))


def retention_by_class(report: Report) -> Table:
    """Retention of each class; columns are models."""
    caption = _caption(report, f"retention of the {report.class_metric} of each class in %")
    return _class_table(report, "Retention by class", caption, ("retention",))


def _class_table(report: Report, title: str, caption: str, parts: Sequence[str]) -> Table:
    models = [
        (label, model.per_class) for label, model in zip(labels(report), report.models, strict=True) if model.per_class
    ]
    every = dict.fromkeys(name for _, scores in models for name in scores)
    names = [name for name in every if any(set(scores.get(name, ())) - {None} for _, scores in models)]
    if len(names) < len(every):
        caption += f"; {counted(len(every) - len(names), 'class', 'classes')} not in the pictures left out"
    head = (f"{label}: {part}" if len(parts) > 1 else label for label, _ in models for part in parts)
    rows = (
        (name, *(percent(getattr(scores.get(name), part, None)) for _, scores in models for part in parts))
        for name in names
    )
    return Table(title, caption, ("class", *head), tuple(rows))


def cells_of(report: Report, model: ModelReport) -> Table:
    """Every cell of one model: types down, severities across."""
    levels = sorted({cell.severity for cell in report.protocol.cells})
    groups = report.protocol.groups or {"": report.protocol.corruptions}
    scores = model.summary.scores
    rows = [
        (spoken(name), *(percent(scores.get(name, {}).get(level)) for level in levels))
        for names in groups.values()
        for name in names
    ]
    sizes = [len(names) for names in groups.values()]
    sections = tuple(sum(sizes[:place]) for place in range(1, len(sizes)))
    caption = f"{report.metric} in %; clean {percent(model.summary.clean)}; {model.summary.label}"
    return Table(model.name, caption, ("corruption", *map(str, levels)), tuple(rows), 1, sections)


def sentence(text: str) -> str:
    """A caption as a sentence; names like mIoU keep their first letter.

    >>> sentence("mIoU in %"), sentence("mean drop")
    ('mIoU in %.', 'Mean drop.')
    """
    first = text.split(maxsplit=1)[0] if text else ""
    return f"{text[:1].upper() if first.islower() else text[:1]}{text[1:]}."


def _caption(report: Report, what: str) -> str:
    """What is shown, with the protocol and the number of cells; per model where those differ."""
    found = dict.fromkeys(model.summary.label for model in report.models)
    if len(found) == 1:
        return f"{what}; {next(iter(found))}"
    each = (f"{label}: {model.summary.label}" for label, model in zip(labels(report), report.models, strict=True))
    return f"{what}; {'; '.join(each)}"
