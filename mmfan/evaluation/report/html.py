"""HTML form of a report: one file with its pictures inside, which loads nothing and needs no script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.figures import Figure
from mmfan.evaluation.report.formats import preamble, title
from mmfan.evaluation.report.tables import cells_of, sentence, sources
from mmfan.utils.tables import Table
from mmfan.utils.text import one_line
from mmfan.version import __version__

STYLE = """
body { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #222; background: #fff;
       max-width: 76rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .2rem; }
p.caption { color: #555; margin: 0 0 .7rem; max-width: 60rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .2rem 0 1rem; }
th, td { padding: .22rem .7rem; text-align: right; white-space: nowrap; }
th { border-bottom: 1.5px solid #444; vertical-align: bottom; font-weight: 600; }
td:first-child, th:first-child, .text { text-align: left; white-space: normal; overflow-wrap: anywhere; }
td:first-child, th:first-child { min-width: 9rem; }
tr.section td { border-top: 1px solid #bbb; }
tbody tr:hover { background: #f3f6fa; }
tbody tr.mean td { font-weight: 600; }
ul.notes { background: #fdf6e3; border-left: 4px solid #d9a400; padding: .6rem 1rem .6rem 2rem; max-width: 60rem; }
figure { margin: 1.6rem 0; }
figcaption { color: #555; font-size: .9rem; }
img { max-width: 100%; height: auto; display: block; }
details { margin: .3rem 0; }
summary { cursor: pointer; }
footer { color: #777; margin-top: 3rem; border-top: 1px solid #ddd; padding-top: .6rem; font-size: .87rem; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } img, table { break-inside: avoid; } }
"""


def as_html(report: Report, figures: Sequence[Figure] = ()) -> str:
    """The whole report as one page.

    Args:
        report: What to show.
        figures: Embedded as PNG between the overview and the other tables.

    Returns:
        A complete HTML document.
    """
    name = title(report)
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p class='caption'>{escape(preamble(report))}</p>",
        _list(report.notes, "notes"),
        _section(report.tables[0]),
        *(_picture(figure) for figure in figures),
        *(_section(table) for table in report.tables[1:]),
        "<h2>Every cell</h2>",
        *(_folded(cells_of(report, model)) for model in report.models),
    ]
    if report.published:
        parts += ["<h2>Sources of published rows</h2>", _list([f"[{n}] {s}" for n, s in enumerate(sources(report), 1)])]
    files = ", ".join(dict.fromkeys(model.run.results.name for model in report.models))
    parts.append(f"<footer>Made by mmfan {escape(__version__)} from {escape(one_line(files))}.</footer>")
    body = "\n".join(part for part in parts if part)
    return (
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>{escape(name)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _section(table: Table) -> str:
    return f"<h2>{escape(table.title)}</h2>\n{_with_caption(table)}"


def _folded(table: Table) -> str:
    return f"<details><summary>{escape(table.title)}</summary>\n{_with_caption(table)}</details>"


def _with_caption(table: Table) -> str:
    return f"<p class='caption'>{escape(sentence(table.caption))}</p>\n<div class='scroll'>{html_table(table)}</div>"


def html_table(table: Table) -> str:
    """One table."""
    head = "".join(f"<th{_kind(place, table)}>{escape(cell)}</th>" for place, cell in enumerate(table.head))
    lines = [f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>"]
    for number, row in enumerate(table.rows):
        kinds = ["section"] if number and number in table.sections else []
        kinds += ["mean"] if row[0].startswith("mean of ") else []
        style = f" class='{' '.join(kinds)}'" if kinds else ""
        cells = "".join(f"<td{_kind(place, table)}>{escape(cell)}</td>" for place, cell in enumerate(row))
        lines.append(f"<tr{style}>{cells}</tr>")
    return "\n".join([*lines, "</tbody>\n</table>"])


def _kind(place: int, table: Table) -> str:
    return " class='text'" if 0 < place < table.texts else ""


def _list(items: Sequence[str], kind: str = "") -> str:
    if not items:
        return ""
    style = f" class='{kind}'" if kind else ""
    return f"<ul{style}>\n{''.join(f'<li>{escape(item)}</li>' for item in items)}\n</ul>"


def _picture(figure: Figure) -> str:
    data = base64.b64encode(figure.png).decode("ascii")
    return (
        f"<figure>\n<img alt='{escape(figure.title, quote=True)}' src='data:image/png;base64,{data}'>\n"
        f"<figcaption>{escape(figure.title)}</figcaption>\n</figure>"
    )
