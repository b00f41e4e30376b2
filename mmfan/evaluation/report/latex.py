r"""LaTeX form of a report: tables in the style of booktabs that fit one column of a paper, the best in bold.

They need ``\usepackage{booktabs}`` and nothing else. What is too wide for a column becomes a ``table*`` over both, and
what is too wide for that several tables, with some of the columns each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.tables.overview import NARROW
from mmfan.evaluation.report.tables.ranking import first_table
from mmfan.evaluation.report.tables.words import preamble, sentence, sources
from mmfan.utils.tables import Table, best_cells
from mmfan.utils.text import one_line

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "±": r"$\pm$", "†": r"$^\dagger$",
}  # fmt: skip
# letters that TeX would join to another sign: dashes, quotation marks, turned question marks
_JOINED = re.compile(r"(?<=-)(?=-)|(?<=')(?=')|(?<=`)(?=`)|(?<=[?!])(?=`)")
# A column of the usual two-column classes has 237 pt, a line 500.
COLUMN_PT = 237
LINE_PT = 500
GAP_PT = 8  # between columns: twice \tabcolsep
# about how wide letters are in \small (9 pt Computer Modern), others than these
LETTER_PT = 4.7
NARROW_PT, WIDE_PT = 3.2, 7.6
NARROW_LETTERS, WIDE_LETTERS = frozenset(" .,:;'!|()[]/-ifjlrt_"), frozenset("mwMWABCDGHKNOQRUVXY%@+±&")
BOLDER = 1.16


def latex_escape(text: str) -> str:
    r"""Text as LaTeX prints it.

    >>> latex_escape("fan_t: 50 %")
    'fan\\_t: 50 \\%'
    >>> latex_escape("a--b")
    'a-{}-b'
    """
    parts = _JOINED.split(one_line(text, 100_000))
    return "{}".join("".join(_LATEX.get(letter, letter) for letter in part) for part in parts)


def as_latex(report: Report) -> str:
    r"""Tables to paste into a paper; they need ``\usepackage{booktabs}``.

    The first table has the columns that were asked for, else clean, corrupted and retention. Each has a label,
    ``tab:robustness:overview`` and so on.
    """
    tables = [first_table(report, report.columns or NARROW), *report.tables[1:]] if report.models else []
    tables += [table for section in report.sections for table in section.tables]
    parts = ["% needs \\usepackage{booktabs}", f"% {' '.join(preamble(report).split())}"]
    parts += [f"% {note}" for note in report.notes]
    parts += [f"% {line}" for section in report.sections for line in (section.text, *section.notes)]
    parts += [f"% [{at}] {source}" for at, source in enumerate(sources(report), 1)]
    made = [latex_table(table) for table in tables if table.rows]
    return "\n".join(parts) + "\n\n" + "\n\n".join(made) + "\n"


def latex_table(table: Table) -> str:
    """One table in the style of booktabs, the best of its rivals in bold; several where it is wider than a page."""
    best = best_cells(table)
    parts = _parts(table)
    return "\n\n".join(_latex_part(table, best, columns, at, len(parts)) for at, columns in enumerate(parts, 1))


def _parts(table: Table) -> list[list[int]]:
    """The numbers of the columns, in as many parts as lines are needed, each with the words at the left."""
    front = list(range(table.texts))
    parts, part = [], front
    for column in range(table.texts, len(table.head)):
        if part != front and width_of(table, [*part, column]) > LINE_PT:
            parts.append(part)
            part = front
        part = [*part, column]
    return [*parts, part]


def _latex_part(table: Table, best: set[tuple[int, int]], columns: Sequence[int], number: int, of: int) -> str:
    kind = "table" if width_of(table, columns) <= COLUMN_PT else "table*"
    title = table.title if of == 1 else f"{table.title} ({number} of {of})"
    label = label_of(table) if number == 1 else f"{label_of(table)}-{number}"
    aligned = "".join("l" if at < table.texts else "r" for at in columns)
    lines = [
        rf"\begin{{{kind}}}",
        r"\centering",
        rf"\caption{{{latex_escape(f'{title}. {sentence(table.caption)}')}}}",
        rf"\label{{{label}}}",
        r"\small",
        r"\setlength{\tabcolsep}{4pt}",
        rf"\begin{{tabular}}{{@{{}}{aligned}@{{}}}}",
        r"\toprule",
        rf"{' & '.join(latex_escape(table.head[at]) for at in columns)} \\",
        r"\midrule",
    ]
    for place, row in enumerate(table.rows):
        if place and place in table.sections:
            lines.append(r"\midrule")
        # a row must not begin with a bracket or a star, which the \\ before it would take for its argument
        first = "{}" if row[0].startswith(("[", "*")) else ""
        cells = (_cell(row[at], (place, at) in best) for at in columns)
        lines.append(rf"{first}{' & '.join(cells)} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", rf"\end{{{kind}}}"])


def _cell(text: str, best: bool) -> str:
    """A cell; of the best the number is bold, and not its spread, its interval or what it is of."""
    if not best:
        return latex_escape(text)
    number, blank, more = text.partition(" ")
    return rf"\textbf{{{latex_escape(number)}}}{blank}{latex_escape(more)}"


def width_of(table: Table, columns: Sequence[int]) -> float:
    """About how many points wide these columns of a table are, in small letters of the class's text font."""
    widths = [max(_width_of(row[at]) for row in (table.head, *table.rows)) for at in columns]
    return sum(widths) + GAP_PT * (len(widths) - 1)


def _width_of(text: str) -> float:
    """In bold, if its first word is a number, which may be the best."""
    number, _, more = text.partition(" ")
    return _letters(number) * (BOLDER if number[:1].isdigit() else 1) + _letters(f" {more}" if more else "")


def _letters(text: str) -> float:
    return sum(
        NARROW_PT if letter in NARROW_LETTERS else WIDE_PT if letter in WIDE_LETTERS else LETTER_PT for letter in text
    )


def label_of(table: Table) -> str:
    r"""The label of a table, for ``\ref``.

    >>> label_of(Table("mIoU by corruption", "", ("a",), ()))
    'tab:robustness:miou-by-corruption'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", table.title.lower()).strip("-")
    return f"tab:robustness:{plain}"
