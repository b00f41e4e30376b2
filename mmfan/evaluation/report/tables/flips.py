"""Table of flips: the share of pixels that change class from one severity to the next."""

from __future__ import annotations

from mmfan.evaluation.report.contents import Report
from mmfan.evaluation.report.tables.overview import rival_sets
from mmfan.evaluation.report.tables.words import labels_of, percent, with_protocol
from mmfan.utils.tables import Rivals, Table
from mmfan.utils.text import spoken

TITLE = "Flip consistency"


def flips_by_corruption(report: Report) -> Table:
    """Flips of each type, one column a model; without rows where no model was judged with them."""
    models = [model for model in report.models if model.flips is not None]
    found = [model.flips for model in models if model.flips is not None]
    if not found:
        return Table(TITLE, "", ("corruption",), ())
    rows: list[tuple[str, ...]] = []
    sections = []
    for names in (report.protocol.groups or {"": report.protocol.corruptions}).values():
        sections.append(len(rows))
        rows += [(spoken(name), *(percent(one.by_corruption.get(name)) for one in found)) for name in names]
    sections.append(len(rows))
    rows.append(("mean of types", *(percent(one.overall) for one in found)))
    caption = with_protocol(
        report,
        "share of the pixels, in %, that change class from one severity to the next, the clean pictures before the "
        "first; mean over the steps of a type; no labels are used, lower is steadier, and a model that always says the "
        "same has 0",
    )
    named = labels_of(report)
    sets = tuple(tuple(1 + at for at in one) for one in rival_sets(report, models))
    rivals = Rivals(sets, across=True, lower=tuple(row[0] for row in rows))
    head = ("corruption", *(named[model.name] for model in models))
    return Table(TITLE, caption, head, tuple(rows), sections=tuple(sections[1:]), rivals=rivals)
