"""Text forms of a report: JSON, CSV, markdown, LaTeX.

JSON and CSV are for programs: fractions, unrounded. Markdown and LaTeX are for people: percentages, rounded to one
digit in :mod:`mmfan.evaluation.report.tables`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.tables import sentence, sources
from mmfan.utils.tables import Table, markdown_line, markdown_table, markdown_text
from mmfan.utils.text import counted, one_line

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip

_STEERING = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def as_dict(report: Report) -> dict[str, Any]:
    """The report in the types of JSON; every score and ratio is an unrounded fraction.

    ``protocol``, ``metric``, ``models`` (each with all that :meth:`Summary.to_dict` has, ``per_class``,
    ``corruption_error``, ``intervals`` and ``image_level``), ``published`` and ``notes``.
    """
    return {
        "protocol": report.protocol.name,
        "protocol_cells": report.protocol.size,
        "protocol_source": report.protocol.source,
        "averaging": report.protocol.averaging,
        "metric": report.metric,
        "unit": "fraction",
        "models": [_model_dict(model, report) for model in report.models],
        "published": [row.to_dict() for row in report.published],
        "notes": list(report.notes),
    }


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
    return {**model.summary.to_dict(), **more}


def as_json(report: Report) -> str:
    """:func:`as_dict` as text."""
    text = json.dumps(as_dict(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # JSON escapes the control characters of ASCII alone, and is printed on terminals
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_csv(report: Report) -> str:
    """One row a model, published ones at the end; fractions, unrounded, empty where there is nothing.

    Beside name, protocol, cells, metric, clean, corrupted and retention there is a column for each group
    (``group:noise``), corruption (``corruption:fog``), severity (``severity:3``), cell (``cell:fog:3``) and class
    (``class:car:clean``, ``:corrupted``, ``:retention``).

    Spreadsheets take cells that begin with ``= + - @`` for formulas: texts that do get an apostrophe before them.
    Control characters are written as escapes, line breaks as blanks.
    """
    classes = dict.fromkeys(name for model in report.models for name in model.per_class)
    rows = [_csv_row(model, report, classes) for model in report.models]
    for published in report.published:
        row: dict[str, object] = {"name": published.name, "dataset": published.dataset, "metric": published.metric}
        row |= {"protocol": published.protocol or "not stated", "cells": published.cells, "source": published.source}
        row |= {"clean": published.clean, "corrupted": published.corrupted, "retention": published.retention}
        if published.protocol == report.protocol.name:
            row |= {f"group:{name}": score for name, score in published.by_group.items()}
            row |= {f"corruption:{name}": score for name, score in published.by_corruption.items()}
        rows.append(row)
    columns = dict.fromkeys(column for row in rows for column in row)
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
    if report.published:
        parts.append("Sources:\n\n" + "\n".join(f"- [{at}] {source}" for at, source in enumerate(sources(report), 1)))
    return "\n\n".join(parts) + "\n"


def title(report: Report) -> str:
    """The name of the report."""
    return one_line(f"Robustness: {report.metric} on {report.protocol.name}")


def preamble(report: Report) -> str:
    """What the report was taken over, in words."""
    return one_line(
        f"Protocol {report.protocol.name}: {counted(report.protocol.size, 'cell')} beside the clean pictures, "
        f"{counted(len(report.protocol.corruptions), 'type')} of corruption; {report.protocol.averaging}. "
        f"Source: {report.protocol.source}."
    )


def latex_escape(text: str) -> str:
    r"""Text as LaTeX prints it.

    >>> latex_escape("fan_t: 50 %")
    'fan\\_t: 50 \\%'
    """
    return "".join(_LATEX.get(letter, letter) for letter in one_line(text, 100_000))


def as_latex(report: Report) -> str:
    r"""Tables to paste into a paper; they need ``\usepackage{booktabs}``."""
    parts = ["% needs \\usepackage{booktabs}", f"% {' '.join(preamble(report).split())}"]
    parts += [f"% {note}" for note in report.notes]
    parts += [f"% [{at}] {source}" for at, source in enumerate(sources(report), 1)]
    return "\n".join(parts) + "\n\n" + "\n\n".join(latex_table(table) for table in report.tables) + "\n"


def latex_table(table: Table) -> str:
    """One table in the style of booktabs."""
    columns = "l" * table.texts + "r" * (len(table.head) - table.texts)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex_escape(f'{table.title}. {sentence(table.caption)}')}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        rf"{' & '.join(map(latex_escape, table.head))} \\",
        r"\midrule",
    ]
    for place, row in enumerate(table.rows):
        if place and place in table.sections:
            lines.append(r"\midrule")
        # a row must not begin with a bracket or a star, which the \\ before it would take for its argument
        first = "{}" if row[0].startswith(("[", "*")) else ""
        lines.append(rf"{first}{' & '.join(map(latex_escape, row))} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


FORMATS: dict[str, Callable[[Report], str]] = {
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
}
