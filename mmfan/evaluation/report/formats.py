"""Text forms of a report: JSON, CSV, markdown, LaTeX.

JSON and CSV are for programs: fractions, unrounded. Markdown and LaTeX are for people: percentages, rounded to one
digit in :mod:`mmfan.evaluation.report.tables.tables`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mmfan.evaluation.report.contents import GroupReport, ModelReport, Report, Section
from mmfan.evaluation.report.latex import as_latex, latex_table
from mmfan.evaluation.report.tables.overview import choose_columns
from mmfan.evaluation.report.tables.ranking import ranked_rows, ranking_columns
from mmfan.evaluation.report.tables.words import preamble, sentence, sources, title
from mmfan.utils.tables import markdown_line, markdown_table, markdown_text
from mmfan.utils.text import one_line

__all__ = ["FORMATS", "as_csv", "as_dict", "as_json", "as_latex", "as_markdown", "latex_table", "preamble", "title"]

_STEERING = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def as_dict(report: Report) -> dict[str, Any]:
    """The report in the types of JSON; every score and ratio is an unrounded fraction.

    ``protocol``, ``metric``, ``models`` (each with all that :meth:`Summary.to_dict` has, ``per_class``,
    ``corruption_error``, ``intervals``, ``image_level``, ``calibration`` and ``flips``), ``groups``, ``differences``,
    ``published`` and ``notes``; where there are sections of conditions ``families``, with the numbers of each model; of
    classifiers judged on clean sets as well ``sets``; of a leaderboard also ``ranked_by`` and ``ranking``.
    """
    return {
        "protocol": report.protocol.name,
        "protocol_cells": report.protocol.size,
        "protocol_source": report.protocol.source,
        "averaging": report.protocol.averaging,
        "metric": report.metric,
        "unit": "fraction",
        "models": [_model_dict(model, report) for model in report.models],
        "groups": [{**one.summary.to_dict(), "members": list(one.members)} for one in report.groups],
        "differences": [one.to_dict() for one in report.differences],
        **(_ranking_dict(report) if report.ranked_by else {}),
        **({"sets": [one._asdict() for one in report.others]} if report.others else {}),
        "published": [row.to_dict() for row in report.published],
        "notes": list(report.notes),
        **({"families": [_section_dict(one) for one in report.sections]} if report.sections else {}),
    }


def _section_dict(section: Section) -> dict[str, Any]:
    return {
        "kind": section.protocol.kind.name,
        "title": section.title,
        "protocol": section.protocol.name,
        "text": section.text,
        "models": list(section.numbers),
        "notes": list(section.notes),
    }


def _ranking_dict(report: Report) -> dict[str, Any]:
    rows = ({"data set": one.dataset, "place": one.place, "name": one.row.name} for one in ranked_rows(report))
    return {"ranked_by": report.ranked_by, "ranking": list(rows)}


def _model_dict(model: ModelReport, report: Report) -> dict[str, Any]:
    more: dict[str, Any] = {"name": model.name, "model": model.run.key.model, "results": model.run.results.name}
    if model.per_class:
        more["per_class"] = {report.class_metric: {name: score._asdict() for name, score in model.per_class.items()}}
    if model.error is not None:
        more["corruption_error"] = model.error.to_dict()
    if model.intervals is not None:
        more["intervals"] = model.intervals.to_dict()
    if model.pictures is not None:
        more["image_level"] = model.pictures.to_dict()
    if model.calibration is not None:
        more["calibration"] = model.calibration.to_dict()
    if model.flips is not None:
        more["flips"] = model.flips.to_dict()
    return {**model.summary.to_dict(), **more}


def as_json(report: Report) -> str:
    """:func:`as_dict` as text."""
    text = json.dumps(as_dict(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # JSON escapes the control characters of ASCII alone, and is printed on terminals
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_csv(report: Report) -> str:
    """One row a model, groups of runs and published ones at the end; fractions, unrounded, empty where nothing is.

    A leaderboard, or columns that were asked for: the first table, unrounded.

    Beside name, protocol, cells, metric, clean, corrupted and retention there is a column for each group
    (``group:noise``), corruption (``corruption:fog``), severity (``severity:3``), cell (``cell:fog:3``) and class
    (``class:car:clean``, ``:corrupted``, ``:retention``).

    Spreadsheets take cells that begin with ``= + - @`` for formulas: texts that do get an apostrophe before them.
    Control characters are written as escapes, line breaks as blanks.
    """
    if report.ranked_by:
        shown = ranking_columns(report, report.columns)
        placed = ((one.row, {"data set": one.dataset, "place": one.place}) for one in ranked_rows(report))
        return _csv_of_table(
            [_joined({"model": row.name}, more, *(one.raw(row) for one in shown)) for row, more in placed]
        )
    if report.columns:
        shown, rows_shown = choose_columns(report, report.columns), [*report.entries, *report.published]
        return _csv_of_table([_joined({"model": row.name}, *(one.raw(row) for one in shown)) for row in rows_shown])
    classes = dict.fromkeys(name for model in report.models for name in model.per_class)
    rows = [_csv_row(model, report, classes) for model in report.models]
    rows += [_csv_of_group(group, report) for group in report.groups]
    for published in report.published:
        row: dict[str, object] = {"name": published.name, "dataset": published.dataset, "metric": published.metric}
        row |= {"protocol": published.protocol or "not stated", "cells": published.cells, "source": published.source}
        row |= {"quoted": published.quoted} if published.quoted else {}
        row |= {"clean": published.clean, "corrupted": published.corrupted, "retention": published.retention}
        if published.protocol == report.protocol.name:
            row |= {f"group:{name}": score for name, score in published.by_group.items()}
            row |= {f"corruption:{name}": score for name, score in published.by_corruption.items()}
        rows.append(row)
    rows += [_csv_of_section(numbers, section) for section in report.sections for numbers in section.numbers]
    return _csv_text(rows, dict.fromkeys(column for row in rows for column in row))


def _csv_of_section(numbers: dict[str, Any], section: Section) -> dict[str, object]:
    """A model under a family of conditions; without means where there are none."""
    row: dict[str, object] = {
        key: numbers[key] for key in ("name", "metric", "clean", "corrupted", "retention") if key in numbers
    }
    row["protocol"], row["cells"] = section.protocol.name, section.protocol.size
    if section.protocol.kind.averaged:
        row |= {f"corruption:{name}": score for name, score in numbers["by_corruption"].items()}
    row |= {f"shape_bias:{name}": bias for name, bias in numbers.get("shape_bias", {}).items()}
    return row | {
        f"cell:{name}:{at}": score for name, scores in numbers["scores"].items() for at, score in scores.items()
    }


def _joined(*parts: dict[str, object]) -> dict[str, object]:
    return {key: value for part in parts for key, value in part.items()}


def _csv_of_group(group: GroupReport, report: Report) -> dict[str, object]:
    found = group.summary
    columns = choose_columns(report, ("clean", "corrupted", "retention"))
    row = {
        "name": group.name, "dataset": found.dataset, "protocol": found.protocol, "cells": found.cells,
        "metric": found.metric, "members": ", ".join(group.members),
    }  # fmt: skip
    row = _joined(row, *(column.raw(group) for column in columns))
    row |= {f"group:{name}": score.mean for name, score in found.by_group.items()}
    return row | {f"corruption:{name}": score.mean for name, score in found.by_corruption.items()}


def _csv_of_table(rows: Sequence[dict[str, object]]) -> str:
    heads = dict.fromkeys(column for row in rows for column in row)
    # what belongs to a column stands behind it, though the first rows may not have it
    order = {head: at for at, head in enumerate(dict.fromkeys(head.partition(":")[0] for head in heads))}
    return _csv_text(rows, sorted(heads, key=lambda head: order[head.partition(":")[0]]))


def _csv_text(rows: Sequence[dict[str, object]], columns: Iterable[str]) -> str:
    columns = list(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_csv_cell, columns))
    writer.writerows([_csv_cell(row.get(column, "")) for column in columns] for row in rows)
    return text.getvalue()


def _csv_cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    plain = one_line(value)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain


def _csv_row(model: ModelReport, report: Report, classes: Sequence[str] | dict[str, None]) -> dict[str, object]:
    found = model.summary
    row: dict[str, object] = {
        "name": model.name, "dataset": found.dataset, "protocol": found.protocol, "cells": found.cells,
        "missing": len(found.missing), "metric": found.metric, "clean": found.clean, "corrupted": found.corrupted,
        "retention": found.retention, "source": model.run.results.name,
    }  # fmt: skip
    if model.intervals is not None:
        for what in ("clean", "corrupted", "retention"):
            row[f"{what}:low"], row[f"{what}:high"] = getattr(model.intervals, what)
    if model.error is not None:
        row |= {"mce": model.error.mce, "relative_mce": model.error.relative_mce}
    if model.calibration is not None:
        for part, scores in (("clean", model.calibration.clean), ("corrupted", model.calibration.corrupted)):
            row |= {f"calibration:{name}:{part}": "" if value is None else value for name, value in scores.items()}
    if model.flips is not None:
        row |= {"flips": model.flips.overall}
        row |= {f"flips:{name}": share for name, share in model.flips.by_corruption.items()}
    row |= {f"group:{name}": score for name, score in found.by_group.items()}
    row |= {f"corruption:{name}": score for name, score in found.by_corruption.items()}
    row |= {f"severity:{level}": score for level, score in found.by_severity.items()}
    row |= {f"cell:{name}:{at}": score for name, scores in found.scores.items() for at, score in scores.items()}
    for name in classes:
        for part, score in (model.per_class[name]._asdict() if name in model.per_class else {}).items():
            row[f"class:{name}:{part}"] = score
    return row


def as_markdown(report: Report) -> str:
    """Tables that read well on a terminal too."""
    parts = [f"# {markdown_text(title(report))}", markdown_line(preamble(report))]
    if report.notes:
        parts.append("\n".join(f"- {markdown_line(note)}" for note in report.notes))
    parts += [
        f"## {markdown_text(table.title)}\n\n{markdown_line(sentence(table.caption))}\n\n{markdown_table(table)}"
        for table in report.tables
    ]
    for one in report.sections:
        parts += [f"# {markdown_text(one.title)}", markdown_line(one.text)]
        parts += ["\n".join(f"- {markdown_line(note)}" for note in one.notes)] if one.notes else []
        parts += [
            f"## {markdown_text(table.title)}\n\n{markdown_line(sentence(table.caption))}\n\n{markdown_table(table)}"
            for table in one.tables
        ]
    if report.published:
        parts.append("Sources:\n\n" + "\n".join(f"- [{at}] {source}" for at, source in enumerate(sources(report), 1)))
    return "\n\n".join(parts) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
}
