"""Numbers that are asked for first: retention, clean and corrupted score, the worst of each model; all its metrics."""

from __future__ import annotations

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.page.markup import Markup, element
from mmfan.evaluation.report.page.plots import label_of
from mmfan.evaluation.report.page.tables import METRIC, MODEL
from mmfan.evaluation.report.page.who import Who
from mmfan.evaluation.report.tables.words import cell_words, labels, percent
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.summary import Summary, summarize
from mmfan.utils.tables import Table
from mmfan.utils.text import spoken

WORDS = (
    "Retention (also rPC, RR or robustness ratio) is corrupted / clean; corrupted (also mPC) is the mean over the "
    "severities of each type, then over the types."
)


def cards(report: Report, who: Who) -> Markup:
    """The numbers of each model that are asked for first."""
    each = [_card(model, at, report, who) for at, model in enumerate(report.models)]
    return element(
        "section",
        element("h2", "In short"),
        element("ul", *each, class_="cards"),
        element("p", WORDS, class_="lead"),
        id="short",
    )


def _card(model: ModelReport, at: int, report: Report, who: Who) -> Markup:
    found, metric = model.summary, report.metric
    lowest = min(found.by_corruption, key=lambda name: found.by_corruption[name])
    cell = cell_words(found.worst.corruption, found.worst.severity, report.protocol.graded)
    worst = f"{cell}, {percent(found.worst.score)} %"
    lines = (
        ("clean", f"{percent(found.clean)} % {metric}"),
        ("corrupted (mPC)", f"{percent(found.corrupted)} % {metric}"),
        ("worst type", f"{spoken(lowest)}, {percent(found.by_corruption[lowest])} %"),
        ("worst cell", worst),
    )
    partial = f"partial: {found.cells} of {found.protocol_cells} cells" if found.partial else None
    big = f"{percent(found.retention)} %" if found.retention is not None else "no clean score"
    return element(
        "li",
        element("h3", label_of(who, at)),
        element("p", element("strong", big), " retention", class_="big"),
        element("p", partial, class_="partial") if partial else None,
        element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in lines)),
        data_model=at,
    )


def all_metrics(report: Report) -> Table | None:
    """Clean, corrupted and retained score of every metric that the records have; None where there is one alone.

    A metric that a model lacks, or whose clean score is 0, has dashes.
    """
    names = dict.fromkeys(name for model in report.models for record in model.run.records for name in record["metrics"])
    found = {name: [_summary(model, report, name) for model in report.models] for name in names}
    shown = {name: row for name, row in found.items() if any(row)}
    if len(shown) < 2:
        return None
    rows: list[tuple[str, ...]] = []
    sections = []
    for at, (model, label) in enumerate(zip(report.models, labels(report), strict=True)):
        sections.append(len(rows))
        title = label if label == model.name else f"{label}: {model.name}"
        for name, row in shown.items():
            one = row[at]
            rows.append((title, name, *map(percent, (one.clean, one.corrupted, one.retention) if one else (None,) * 3)))
    caption = f"every metric of the records in %, averaged as {report.metric}; {report.protocol.name}"
    head = (MODEL, METRIC, "clean", "corrupted", "retention")
    return Table("All metrics", caption, head, tuple(rows), 2, tuple(sections[1:]))


def _summary(model: ModelReport, report: Report, metric: str) -> Summary | None:
    try:
        return summarize(model.run.records, report.protocol, metric, partial=model.summary.partial)
    except SummaryError:  # not in all cells, not a fraction, or 0 on the clean pictures
        return None
