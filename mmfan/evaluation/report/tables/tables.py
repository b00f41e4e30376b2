"""Tables of a report as text, before any format: percentages with one digit, protocol and cells beside them.

Together with :mod:`mmfan.evaluation.report.formats` this is the only place that rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.published import PublishedRow
from mmfan.evaluation.report.tables.calibration import calibration_tables
from mmfan.evaluation.report.tables.classifiers import imagenet_scores, table_of_sets
from mmfan.evaluation.report.tables.flips import flips_by_corruption
from mmfan.evaluation.report.tables.overview import Column, all_columns, overview, rival_sets, table_of_rows
from mmfan.evaluation.report.tables.ranking import first_table
from mmfan.evaluation.report.tables.seen import seen_and_unseen
from mmfan.evaluation.report.tables.words import (
    labels,
    labels_of,
    of_each,
    percent,
    published_name,
    sentence,
    sources,
    types_word,
    with_protocol,
)
from mmfan.evaluation.summary.summary import Summary
from mmfan.evaluation.summary.uncertainty.differences import Difference
from mmfan.evaluation.summary.uncertainty.spread import GroupSummary
from mmfan.utils.tables import Rivals, Table
from mmfan.utils.text import counted, signed, spoken

__all__ = ["all_tables", "cells_of", "labels", "overview", "percent", "sentence", "sources"]

# published rows beside one's own, by corruption, only up to this many columns in all
MOST_COLUMNS = 8


def all_tables(report: Report) -> tuple[Table, ...]:
    """Every table of a report, the overview first; those without content are left out."""
    made = [first_table(report, report.columns), group_members(report), differences_of(report)]
    made += [scores_by_corruption(report), retention_by_corruption(report), by_severity(report)]
    made += [seen_and_unseen(report)]
    made += [imagenet_scores(report), table_of_sets(report.others)]
    made += [corruption_errors(report), by_picture(report), scores_by_class(report), retention_by_class(report)]
    made += [*calibration_tables(report), flips_by_corruption(report)]
    return tuple(table for table in made if table.rows)


def group_members(report: Report) -> Table:
    """The runs of the groups one by one: rows are models."""
    there = all_columns(report)
    columns = [there[head] for head in ("clean", "corrupted", "retention", "worst type", "worst cell")]
    of = {member: group.name for group in report.groups for member in group.members}
    columns.insert(0, Column("group", lambda row: of[row.name], words=True))
    return table_of_rows(report, "Runs of groups", report.members, columns, rivals=False)


def differences_of(report: Report) -> Table:
    """Differences from the first model or the reference over the same pictures: rows are models."""
    named = labels_of(report)
    rows = [
        (named[one.name], *(_signed(part) for part in (one.clean, one.corrupted, one.retention)))
        for one in report.differences
    ]
    caption = ""
    if report.differences:
        first = report.differences[0]
        caption = with_protocol(
            report,
            f"{report.metric} and retention minus those of {first.reference}, in points; in brackets the "
            f"{100 * first.confidence:g} % interval of the paired bootstrap over {counted(first.pictures, 'picture')} "
            f"({first.resamples} draws, the same for both models): where it holds 0, the pictures do not tell the two "
            "apart",
        )
    return Table("Differences", caption, ("model", "clean", "corrupted", "retention"), tuple(rows))


def _signed(one: Difference) -> str:
    """A difference in points with its sign, and its interval."""
    value, low, high = (signed(100 * part) for part in (one.value, *one.interval))
    return f"{value} [{low}, {high}]"


class _Column(NamedTuple):
    """The scores by corruption of a model, of a group, or of a published row on the same protocol."""

    label: str
    scores: Summary | GroupSummary | PublishedRow
    relative: bool = False

    def text(self, table: str, key: str) -> str:
        """The score of a type or group in percent; relative ones as shares of the clean score."""
        if self.relative and isinstance(self.scores, GroupSummary):
            return percent(getattr(self.scores, table.replace("by_", "retention_by_", 1)).get(key))
        score = getattr(self.scores, table).get(key)
        return (
            percent(score)
            if not self.relative
            else percent(score / self.scores.clean if self.scores.clean and score is not None else None)
        )

    def overall(self) -> str:
        """The mean over the types, or the retention."""
        return percent(self.scores.retention if self.relative else self.scores.corrupted)


def _columns(report: Report, relative: bool = False) -> list[_Column]:
    named = labels_of(report)
    own = [_Column(named[entry.name], entry.summary, relative) for entry in report.entries]
    return own + [_Column(published_name(report, row), row, relative) for row in _published_by_type(report)]


def _published_by_type(report: Report) -> list[PublishedRow]:
    rows = [row for row in report.published if row.by_corruption and row.protocol == report.protocol.name]
    return rows[: max(0, MOST_COLUMNS - len(report.entries))]


def _rival_columns(report: Report, lower: tuple[str, ...] = (), published: bool = True) -> Rivals:
    """The columns of models that compete: one behind the first, which names the rows."""
    rows = [*report.entries, *(_published_by_type(report) if published else ())]
    return Rivals(
        tuple(tuple(at + 1 for at in places) for places in rival_sets(report, rows)), across=True, lower=lower
    )


def scores_by_corruption(report: Report) -> Table:
    """Mean score over the severities of each corruption, and of each group; columns are models."""
    columns = _columns(report)
    rows, sections = _corruption_rows(report, columns)
    clean = ("clean", *(percent(column.scores.clean) for column in columns))
    return Table(
        f"{report.metric} by {types_word(report)}",
        with_protocol(report, f"{report.metric} in %{of_each(report)}"),
        (types_word(report), *(column.label for column in columns)),
        (clean, *rows),
        sections=tuple(place + 1 for place in sections),
        rivals=_rival_columns(report),
    )


def retention_by_corruption(report: Report) -> Table:
    """Retention on each corruption and group; columns are models."""
    columns = _columns(report, relative=True)
    caption = with_protocol(report, f"retention of {report.metric} (score / clean score) in %")
    rows, sections = _corruption_rows(report, columns)
    head = (types_word(report), *(column.label for column in columns))
    return Table(
        f"Retention by {types_word(report)}", caption, head, rows, sections=sections, rivals=_rival_columns(report)
    )


def _corruption_rows(report: Report, columns: Sequence[_Column]) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    """One row a type, after each group its mean, at the end the overall mean; and where the sections begin."""
    rows: list[tuple[str, ...]] = []
    sections: list[int] = []
    for group, names in (report.protocol.groups or {"": report.protocol.corruptions}).items():
        sections.append(len(rows))
        rows += [(spoken(name), *(column.text("by_corruption", name) for column in columns)) for name in names]
        if group:
            rows.append((f"mean of {group}", *(column.text("by_group", group) for column in columns)))
    sections.append(len(rows))
    rows.append(
        ("mean of types" if report.protocol.graded else "mean of conditions", *(column.overall() for column in columns))
    )
    return tuple(rows), tuple(sections)


def by_severity(report: Report) -> Table:
    """Mean score at each severity, where there are some; columns are models."""
    severities = sorted({level for model in report.models for level in model.summary.by_severity})
    named = labels_of(report)
    head = ("severity", *(named[entry.name] for entry in report.entries))
    found = [entry.summary for entry in report.entries]
    if not severities or not report.protocol.graded:
        return Table(f"{report.metric} by severity", "", head, ())
    rows = [("clean", *(percent(one.clean) for one in found))]
    rows += [(str(level), *(percent(one.by_severity.get(level)) for one in found)) for level in severities]
    rows.append(("drop a step", *(percent(one.drop_per_severity) for one in found)))
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
        f"{report.metric} by severity", with_protocol(report, caption), head, tuple(rows), 1, (1, len(rows) - 1),
        _rival_columns(report, lower=("drop a step",), published=False),
    )  # fmt: skip


def corruption_errors(report: Report) -> Table:
    """Mean corruption error (mCE) and relative mCE against the reference, where one was asked for: rows are models."""
    rows = tuple(
        (label, percent(model.error.mce), percent(model.error.relative_mce))
        for label, model in zip(labels(report), report.models, strict=True)
        if model.error is not None
    )
    caption = with_protocol(
        report,
        f"errors (1 - {report.metric}) as shares of those of {report.reference} in %, lower is better; relative: of "
        "their growth from clean to corrupted",
    )
    head = ("model", "mCE", "relative mCE")
    return Table("Corruption error", caption, head, rows, rivals=Rivals((tuple(range(len(rows))),), lower=head[1:]))


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
    caption = with_protocol(
        report, "mIoU of each picture by itself in %, mean over all pictures and over the worst tenth"
    )
    rivals = Rivals(rival_sets(report, [model for model in report.models if model.pictures is not None]))
    return Table("Image-level mIoU", caption, head, tuple(rows), rivals=rivals)


def scores_by_class(report: Report) -> Table:
    """Clean and corrupted score of each class; two columns a model."""
    metric = report.class_metric
    caption = with_protocol(report, f"{metric} of each class in %")
    return _class_table(report, f"{metric} by class", caption, ("clean", "corrupted"))


def retention_by_class(report: Report) -> Table:
    """Retention of each class; columns are models."""
    caption = with_protocol(report, f"retention of the {report.class_metric} of each class in %")
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
    alike = rival_sets(report, [model for model in report.models if model.per_class])
    sets = [tuple(1 + at * len(parts) + place for at in one) for one in alike for place in range(len(parts))]
    return Table(title, caption, ("class", *head), tuple(rows), rivals=Rivals(tuple(sets), across=True))


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
