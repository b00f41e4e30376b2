"""The whole document: its parts in order, in a page that allows itself its own style and script and no request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.page.calibration import calibration_plots
from mmfan.evaluation.report.page.curves import curves
from mmfan.evaluation.report.page.embedded import Gallery
from mmfan.evaluation.report.page.heat import heat_maps
from mmfan.evaluation.report.page.markup import Markup, element, joined
from mmfan.evaluation.report.page.overall import all_metrics, cards
from mmfan.evaluation.report.page.plots import bars, legend
from mmfan.evaluation.report.page.strengths import strength_curves
from mmfan.evaluation.report.page.tables import html_table, section
from mmfan.evaluation.report.page.trust import linked, made_by, trust
from mmfan.evaluation.report.page.viewer import viewer
from mmfan.evaluation.report.page.who import Who
from mmfan.evaluation.report.tables.words import sources, title, types_word
from mmfan.utils.text import counted, one_line

NOTES_SHOWN = 3


@lru_cache(maxsize=4)
def own_file(name: str) -> Markup:
    """The style or the script."""
    return Markup(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def document(report: Report, found: Gallery, more: Sequence[Markup] = ()) -> str:
    """The page of a report.

    Args:
        report: What to show.
        found: Its pictures.
        more: Further figures, after the plots.
    """
    # where there are conditions alone, the runs have the rows and curves of their sections
    who = Who.of(report) if report.models else Who.of_runs(report)
    own = _own_parts(report, who, found, more) if report.models else []
    parts = [*own, *_sections(report, who)]
    if not own:
        parts.insert(0, ("notes", "Notes", _notes(report.notes)))
        parts.append(("pictures", "Pictures", viewer(found, who)))
        parts.append(("facts", "What the numbers stand on", trust(report)))
    parts.append(("sources", "Sources", _sources(report)))
    shown = [(name, heading, part) for name, heading, part in parts if part]
    links = [element("li", element("a", heading, href=f"#{name}")) for name, heading, _ in shown]
    head = element(
        "header",
        element("h1", title(report)),
        element("p", _subject(report), class_="lead"),
        element("nav", element("ul", *links), aria_label="Parts of the page"),
    )
    files = [run.results.name for run in report.runs or [model.run for model in report.models]]
    signs = None if own else legend(who)  # which stands among the plots otherwise
    body = joined(head, element("main", joined(signs, *(part for _, _, part in shown))), made_by(report, files))
    return _page(title(report), body)


def _sections(report: Report, who: Who) -> list[tuple[str, str, Markup | None]]:
    """Families of conditions: a part of the page each."""
    made: list[tuple[str, str, Markup | None]] = []
    names = [model.name for model in report.models] or [run.name for run in report.runs]
    place_of = {name: place for place, name in enumerate(names)}
    for at, one in enumerate(report.sections, 1):
        tables = [joined(element("h3", table.title), html_table(table, who)) for table in one.tables]
        notes = _list(one.notes) if one.notes else None
        name = f"family-{at}"
        drawn = strength_curves(one, place_of)
        key = _lead("A cross is where half of the clean score is left; 0 is the clean pictures.") if drawn else None
        content = element("h2", one.title), _lead(one.text), notes, key, drawn, *tables
        made.append((name, one.title, element("section", *content, id=name)))
    return made


def _own_parts(
    report: Report, who: Who, found: Gallery, more: Sequence[Markup]
) -> list[tuple[str, str, Markup | None]]:
    """The parts on the cells of the protocol."""
    metrics = all_metrics(report)
    tables = [*report.tables[1:], *([metrics] if metrics else [])]
    return [
        ("short", "In short", cards(report, who)),
        ("facts", "What the numbers stand on", trust(report)),
        ("notes", "Notes", _notes(report.notes)),
        ("overview", report.tables[0].title, section(report.tables[0], who, "overview")),
        ("plots", "Plots", _plots(report, who, more)),
        ("pictures", "Pictures", viewer(found, who)),
        *((f"table-{at}", table.title, section(table, who, f"table-{at}")) for at, table in enumerate(tables, 1)),
        ("cells", "Every cell", heat_maps(report, who)),
    ]


def _subject(report: Report) -> str:
    if not report.models:
        return one_line(report.sections[0].text, 10_000)
    sets = " and ".join(dict.fromkeys(model.summary.dataset for model in report.models))
    beside = f", beside {counted(len(report.published), 'published row')}" if report.published else ""
    cells = counted(report.protocol.size, "corrupted cell" if report.protocol.graded else "condition")
    return f"{counted(len(report.models), 'model')} on {sets}: {cells} and the clean pictures{beside}."


def _plots(report: Report, who: Who, more: Sequence[Markup]) -> Markup:
    drawn = bars(report)
    parts = [element("h2", "Plots"), legend(who)]
    if drawn:
        parts += [
            element("h3", f"Retention by {types_word(report)}"),
            _lead("Score / clean score in %; the line is 100 %."),
            drawn,
        ]
    if report.protocol.graded:
        parts += [
            element("h3", f"{report.metric} by severity"),
            _lead(f"{report.metric} in %, from the clean pictures on."),
            curves(report),
        ]
    return element("section", *parts, calibration_plots(report), *more, id="plots")


def _lead(text: str) -> Markup:
    return element("p", text, class_="lead")


def _notes(notes: Sequence[str]) -> Markup | None:
    """The first ones, and the others folded."""
    if not notes:
        return None
    first, others = notes[:NOTES_SHOWN], notes[NOTES_SHOWN:]
    folded = element("details", element("summary", f"{len(others)} more"), _list(others)) if others else None
    return element("section", element("h2", "Notes"), _list(first), folded, id="notes", class_="notes")


def _list(items: Sequence[str]) -> Markup:
    return element("ul", *(element("li", item) for item in items))


def _sources(report: Report) -> Markup | None:
    if not report.published:
        return None
    items = [element("li", linked(f"[{at}] {source}")) for at, source in enumerate(sources(report), 1)]
    return element("section", element("h2", "Sources of published rows"), element("ul", *items), id="sources")


def _page(name: str, body: Markup) -> str:
    style, script = own_file("page.css"), own_file("page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = joined(
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=Markup(policy)),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", name),
        Markup(f"<style>{style}</style>"),
        Markup(f"<script>{script}</script>"),
    )
    return f"<!DOCTYPE html>\n{element('html', element('head', head), element('body', body), lang='en')}\n"


def _digest(text: str) -> str:
    """A script or style as a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
