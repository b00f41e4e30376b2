"""Table of the corruptions that models saw in training already, with means over those and over the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmfan.evaluation.report.contents import ModelReport, Report
from mmfan.evaluation.report.tables.words import MISSING, labels_of, percent, with_protocol
from mmfan.evaluation.summary.averages import mean
from mmfan.evaluation.summary.summary import Summary
from mmfan.utils.tables import Table
from mmfan.utils.text import spoken

KEY = "training_overlap"


@dataclass(frozen=True)
class Seen:
    """What the records of a model say of its training.

    Attributes:
        types: The corruptions that it showed.
        added: Those of them beyond FAN's own recipe.
        unknown: Its steps that nobody has said anything about.
    """

    types: frozenset[str]
    added: frozenset[str]
    unknown: tuple[str, ...]

    def mark(self, corruption: str) -> str:
        """The word beside a type."""
        if corruption not in self.types:
            return MISSING
        return "seen, added" if corruption in self.added else "seen"


def seen_of(model: ModelReport) -> Seen | None:
    """What the records of a model say; None where they say nothing."""
    told = [record[KEY] for record in model.run.records if KEY in record]
    if not told:
        return None

    def every(key: str) -> list[str]:
        return [name for one in told for name in one.get(key, ())]

    return Seen(frozenset(every("overlaps")), frozenset(every("added")), tuple(dict.fromkeys(every("unknown"))))


def mean_of(summary: Summary, types: Iterable[str]) -> float | None:
    """The mean score over some of the types of a summary; None where it has none of them."""
    scores = [summary.by_corruption[name] for name in types if name in summary.by_corruption]
    return mean(scores) if scores else None


def seen_and_unseen(report: Report) -> Table:
    """Which types each model saw in training, and its scores over those and over the others: columns are models."""
    told = [(model, seen) for model in report.models if (seen := seen_of(model)) is not None]
    told = told if report.protocol.graded else []  # trainings show corruptions; weather is no type of those
    types = report.protocol.corruptions
    named = labels_of(report)
    rows = [
        (spoken(name), *(seen.mark(name) for _, seen in told))
        for name in types
        if any(name in seen.types for _, seen in told)
    ]
    sections = (len(rows),) if rows else ()
    rows += _means(told, types)
    caption = ""
    if told:
        caption = with_protocol(
            report,
            f"types that the training showed a model already; added: beyond FAN's own recipe; {report.metric} in %, "
            "retention over the unseen types in %",
        )
        unknown = dict.fromkeys(name for _, seen in told for name in seen.unknown)
        if unknown:
            caption += f"; nobody has said what these steps of the training show: {', '.join(unknown)}"
    head = ("corruption", *(named[model.name] for model, _ in told))
    return Table("Seen in training", caption, head, tuple(rows) if told else (), sections=sections)


def _means(told: Sequence[tuple[ModelReport, Seen]], types: Sequence[str]) -> list[tuple[str, ...]]:
    seen, unseen, retention, common = [], [], [], []
    shown = {one.types & set(types) for _, one in told}
    for model, one in told:
        others = [name for name in types if name not in one.types]
        seen.append(percent(mean_of(model.summary, [name for name in types if name in one.types])))
        unseen.append(percent(mean_of(model.summary, others)))
        retention.append(_retained(model.summary, others))
        common.append(_retained(model.summary, [name for name in others if not any(name in each for each in shown)]))
    rows = [
        ("mean of seen types", *seen),
        ("mean of unseen types", *unseen),
        ("retention of unseen types", *retention),
    ]
    if len(shown) > 1:  # else each has the same types as the others already
        rows.append(("retention of types that none of them saw", *common))
    return rows


def _retained(summary: Summary, types: Sequence[str]) -> str:
    score = mean_of(summary, types)
    return percent(None if score is None or not summary.clean else score / summary.clean)
