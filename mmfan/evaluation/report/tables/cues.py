"""Section of a report on shape and texture: what each model keeps without a cue, and what it goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mmfan.evaluation.conditions.cue_settings import RETENTIONS
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import Run
from mmfan.evaluation.report.tables.words import percent
from mmfan.evaluation.summary.cues import OF_SWAPS, CueSummary, summarize_cues
from mmfan.utils.tables import Table
from mmfan.utils.text import spoken


def cue_summaries(runs: Sequence[Run], family: Protocol, metric: str, partial: bool) -> list[CueSummary]:
    """The numbers of each run.

    Raises:
        SummaryError: Cells are missing, and ``partial`` was not asked for.
    """
    return [replace(summarize_cues(run.records, family, metric, partial=partial), name=run.name) for run in runs]


def cue_tables(found: Sequence[CueSummary], metric: str) -> tuple[Table, ...]:
    """What is kept, a row for each model and a column for each change; and the decisions where textures were swapped.

    Changes that were not judged have no column.
    """
    return tuple(table for table in (_kept(found, metric), _decisions(found)) if table.rows)


def _kept(found: Sequence[CueSummary], metric: str) -> Table:
    changes = dict.fromkeys((one.name, one.settings) for model in found for one in model.cues if not one.swaps)
    head = ["model", "clean"]
    for name, settings in changes:
        told = spoken(name) + (f" ({settings})" if settings else "")
        head += [told, RETENTIONS.get(name, f"{spoken(name)} kept")]
    rows = []
    for model in found:
        own = {(one.name, one.settings): one for one in model.cues}
        cells = [percent(value) for key in changes for value in _pair(own.get(key))]
        rows.append((model.name, percent(model.clean), *cells))
    caption = (
        f"{metric} in % with a cue taken away, and what it is of the clean score in %: shape retention is what is left "
        "without texture, texture retention what is left without shape; no mean is taken over them"
    )
    return Table("A cue taken away", caption, tuple(head), tuple(rows) if changes else ())


def _pair(one: object) -> tuple[float | None, float | None]:
    return (getattr(one, "score", None), getattr(one, "kept", None))


def _decisions(found: Sequence[CueSummary]) -> Table:
    rows = []
    for model in found:
        for one in model.cues:
            if one.swaps:
                told = spoken(one.name) + (f" ({one.settings})" if one.settings else "")
                rows.append((model.name, told, *(percent(one.swaps.get(name)) for name in OF_SWAPS)))
    caption = (
        "Pixels of segments that have the texture of another class, in %: shape bias is the share of the segment's "
        "class among decisions for one of the two, over all pixels and as the mean of the classes; behind it the "
        "shares of all decisions. Where neither is high, the bias is over few decisions"
    )
    head = ("model", "textures", "shape bias", "mean of classes", "by shape", "by texture", "neither")
    return Table("Textures swapped", caption, head, tuple(rows))
