"""Section of a report on shape and texture: what each model keeps without a cue, and what it goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mmfan.evaluation.conditions.cue_settings import RETENTIONS
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import Run
from mmfan.evaluation.report.tables.words import percent
from mmfan.evaluation.summary.cues import OF_SWAPS, CueScore, CueSummary, summarize_cues
from mmfan.utils.tables import Table
from mmfan.utils.text import spoken


def cue_summaries(runs: Sequence[Run], family: Protocol, metric: str, partial: bool) -> list[CueSummary]:
    """The numbers of each run.

    Raises:
        SummaryError: Cells are missing, and ``partial`` was not asked for.
    """
    return [replace(summarize_cues(run.records, family, metric, partial=partial), name=run.name) for run in runs]


def cue_tables(found: Sequence[CueSummary], metric: str) -> tuple[Table, ...]:
    """What is kept, a row for each model and change; and the decisions where textures were swapped."""
    return tuple(table for table in (_kept(found, metric), _decisions(found)) if table.rows)


def trained_on(runs: Sequence[Run], family: Protocol) -> tuple[str, ...]:
    """A sentence on each run whose training showed it one of the changes, as far as its records say."""
    notes = []
    for run in runs:
        shown = {name for record in run.records for name in (record.get("training_overlap") or {}).get("overlaps", ())}
        seen = [spoken(name) for name in family.corruptions if name in shown]
        if seen:
            notes.append(
                f"{run.name} was trained on {' and '.join(seen)}: its shape bias says that the training worked, and "
                "cannot be compared with that of models that were not."
            )
    return tuple(notes)


def _kept(found: Sequence[CueSummary], metric: str) -> Table:
    rows = []
    for model in found:
        for one in model.cues:
            if not one.swaps:
                named = RETENTIONS.get(one.name, "")
                scores = map(percent, (model.clean, one.score, one.kept))
                rows.append((model.name, _told(one), named, *scores))
    caption = (
        f"{metric} in % with a cue taken away, and what is kept of the clean score in %: shape retention is what is "
        "kept without texture, texture retention what is kept without shape; no mean is taken over them"
    )
    head = ("model", "change", "named", "clean", "score", "kept")
    return Table("A cue taken away", caption, head, tuple(rows), texts=3)


def _told(one: CueScore) -> str:
    return spoken(one.name) + (f" ({one.settings})" if one.settings else "")


def _decisions(found: Sequence[CueSummary]) -> Table:
    rows = []
    for model in found:
        for one in model.cues:
            if one.swaps:
                rows.append((model.name, _told(one), *(percent(one.swaps.get(name)) for name in OF_SWAPS)))
    caption = (
        "Pixels of segments that have the texture of another class, in %: shape bias is the share of the segment's "
        "class among decisions for one of the two, over all pixels and as the mean of the classes; behind it the "
        "shares of all decisions. Where neither is high, the bias is over few decisions"
    )
    head = ("model", "textures", "shape bias", "mean of classes", "by shape", "by texture", "neither")
    return Table("Textures swapped", caption, head, tuple(rows), texts=2)
