"""Summary of one model's cells under a protocol: plain floats in and out.

The definitions. A cell's score is one metric over the whole set (for mIoU: from one confusion matrix). The score of a
type is the mean over its severities; ``corrupted`` is the plain mean over the types, so that each type counts once even
where the protocol takes fewer severities of it; retention is the ratio of means ``corrupted / clean``, never a mean of
ratios. With protocol ``common15`` these are mPC and rPC of Michaelis et al. (arXiv 1907.07484). Where groups differ in
size the mean of the group means is another number; it is there too, under its own name.

A missing cell, two differing records of one cell, a score that is not a fraction, records of several runs and a clean
score of zero are errors. Nothing is rounded. Means over classes are over those that the truth holds
(:mod:`mmfan.evaluation.summary.truth`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol, get_protocol
from mmfan.evaluation.results.store import Record, RunKey
from mmfan.evaluation.summary.averages import average_types, mean
from mmfan.evaluation.summary.selection import SummaryError, select
from mmfan.evaluation.summary.truth import Classes, values_of
from mmfan.evaluation.summary.worst import WorstType, lowest, lowest_by_severity
from mmfan.utils.text import counted


class WorstCell(NamedTuple):
    """The cell with the lowest score."""

    corruption: str
    severity: int
    score: float


@dataclass(frozen=True)
class Summary:
    """One model under one protocol; scores and ratios are fractions.

    Attributes:
        name: The model.
        dataset: The data set.
        protocol: The name of the protocol.
        protocol_cells: How many cells the protocol has, beside the clean one.
        cells: How many of them went into the numbers: fewer if the summary is partial.
        metric: Which metric.
        clean: Its score on the clean pictures; None if a partial summary has no clean cell.
        corrupted: Mean over severities, then over types (mPC).
        corrupted_by_groups: Mean of the group means, which is another number where groups differ in size; None
            without groups.
        retention: ``corrupted / clean`` (rPC); None without a clean cell.
        retention_by_groups: ``corrupted_by_groups / clean``.
        by_group: Group -> mean over its types.
        by_corruption: Type -> mean over its severities.
        retention_by_corruption: Type -> its mean / clean; empty without a clean cell.
        by_severity: Severity -> mean over ``by_severity_types``.
        by_severity_types: The types that were judged at all severities of the protocol. The others are not in
            ``by_severity``: a curve over changing types would show their difference and not that of the severities.
        by_severity_left_out: Those others.
        scores: Type -> severity -> score: the cells themselves.
        worst: The lowest cell.
        drop_by_severity: Severity -> clean - by_severity.
        drop_per_severity: What a step of severity costs on average, from the clean pictures (severity 0) to the highest
            severity s: ``(clean - by_severity[s]) / s``; None where one of the two is not there.
        missing: The cells of the protocol that are not there; the clean one may be among them.
        run: Which run the records are of.
        classes: The classes that the scores are means over: those that the truth holds, of those that the set names;
            None where the metric is no mean over classes, or the records have no scores per class.
    """

    name: str
    dataset: str
    protocol: str
    protocol_cells: int
    cells: int
    metric: str
    clean: float | None
    corrupted: float
    corrupted_by_groups: float | None
    retention: float | None
    retention_by_groups: float | None
    by_group: dict[str, float]
    by_corruption: dict[str, float]
    retention_by_corruption: dict[str, float]
    by_severity: dict[int, float]
    by_severity_types: tuple[str, ...]
    by_severity_left_out: tuple[str, ...]
    scores: dict[str, dict[int, float]]
    worst: WorstCell
    drop_by_severity: dict[int, float]
    drop_per_severity: float | None
    missing: tuple[Cell, ...]
    run: RunKey
    classes: Classes | None = None

    @property
    def partial(self) -> bool:
        """Whether cells are missing."""
        return bool(self.missing)

    @property
    def worst_type(self) -> WorstType:
        """The type with the lowest mean over its severities."""
        return lowest(self.by_corruption)

    @property
    def worst_by_severity(self) -> dict[int, WorstType]:
        """Severity -> the lowest score over the types that have it; under ``ssb15_s3`` it is SemSegBench's GAM."""
        return lowest_by_severity(self.scores)

    @property
    def worst_retention(self) -> float | None:
        """The lowest cell over the clean score; None without a clean cell."""
        return _ratio(self.worst.score, self.clean)

    @property
    def worst_type_retention(self) -> float | None:
        """The lowest type over the clean score; None without a clean cell."""
        return _ratio(self.worst_type.score, self.clean)

    @property
    def over_some_classes(self) -> bool:
        """Whether the truth lacks classes that the data set names."""
        return self.classes is not None and len(self.classes.held) < self.classes.named

    @property
    def label(self) -> str:
        """The protocol, how many cells and, where the truth lacks some, how many classes: to stand by every number."""
        classes = f", {self.classes}" if self.over_some_classes else ""
        if not self.missing:
            return f"{self.protocol}, {counted(self.cells, 'cell')}{classes}"
        without = "" if self.clean is not None else ", no clean score"
        return f"{self.protocol}, PARTIAL: {self.cells} of {self.protocol_cells} cells{without}{classes}"

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON (severities as texts, cells as dicts)."""
        plain = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        plain["by_severity"] = {str(level): score for level, score in self.by_severity.items()}
        plain["drop_by_severity"] = {str(level): drop for level, drop in self.drop_by_severity.items()}
        plain["scores"] = {name: {str(at): score for at, score in row.items()} for name, row in self.scores.items()}
        plain["worst"] = self.worst._asdict()
        plain["missing"] = [cell.described() for cell in self.missing]
        plain["run"] = self.run._asdict()
        plain["classes"] = self.classes and {"in_truth": len(self.classes.held), "in_all": self.classes.named}
        for key in ("by_severity_types", "by_severity_left_out"):
            plain[key] = list(plain[key])
        worst = {
            "worst_type": self.worst_type._asdict(),
            "worst_by_severity": {str(level): found._asdict() for level, found in self.worst_by_severity.items()},
            "worst_retention": self.worst_retention,
            "worst_type_retention": self.worst_type_retention,
        }
        return plain | worst | {"partial": self.partial, "label": self.label}


def summarize(
    records: Iterable[Record],
    protocol: str | Mapping[str, Any] | Protocol,
    metric: str = "mIoU",
    *,
    partial: bool = False,
) -> Summary:
    """Summarise the records of one run of one model.

    Args:
        records: Its records; those of cells that the protocol has not are passed over.
        protocol: As in :func:`mmfan.evaluation.protocol.get_protocol`.
        metric: A metric of the records.
        partial: Average what is there even if cells are missing: a type over the severities that it has, then the
            types that there are. The result says what is missing.

    Raises:
        MissingCellsError: Cells are missing, and ``partial`` was not asked for or there is no corrupted cell at all.
        SummaryError: There are no records, or they are of several runs; a cell has two records that differ or a score
            that is not a number from 0 to 1; no record has the metric; the clean score is 0; the protocol is of several
            families, or of a kind of conditions that is not averaged.
        mmfan.evaluation.protocol.ProtocolError: There is no such protocol.
    """
    wanted = get_protocol(protocol)
    if not wanted.kind.averaged:
        raise SummaryError(
            f"Of {wanted.name!r} there is no mean over strengths ({wanted.kind.strength}), and so no retention: read "
            "its scores at each strength, mmfan.evaluation.summary.strengths.summarize_strengths."
        )
    run, chosen, missing = select(records, wanted, partial=partial)
    scores, classes = values_of(chosen, metric)
    clean = scores.pop(wanted.reference, None)
    if clean == 0:
        raise SummaryError(
            f"The clean score ({metric}) of {run.model!r} is 0, so that there is no retention. See whether its "
            "checkpoint and its classes are the right ones, or leave its records out.",
            [wanted.reference],
        )
    return _summary_of_scores(run, wanted, metric, clean, scores, missing, classes)


def _summary_of_scores(
    run: RunKey,
    protocol: Protocol,
    metric: str,
    clean: float | None,
    found: dict[Cell, float],
    missing: tuple[Cell, ...],
    classes: Classes | None,
) -> Summary:
    scores = {name: dict[int, float]() for name in protocol.corruptions if any(cell[0] == name for cell in found)}
    for cell in sorted(found, key=lambda cell: cell.severity):
        scores[cell.corruption][cell.severity] = found[cell]
    by_corruption = {name: mean(row.values()) for name, row in scores.items()}
    averages = average_types(by_corruption, protocol.groups)
    severities = sorted({cell.severity for cell in protocol.cells})
    even = tuple(name for name, row in scores.items() if list(row) == severities)
    by_severity = {level: mean(scores[name][level] for name in even) for level in severities} if even else {}
    lowest = min(found, key=lambda cell: found[cell])
    return Summary(
        name=run.model,
        dataset=run.dataset,
        protocol=protocol.name,
        protocol_cells=protocol.size,
        cells=len(found),
        metric=metric,
        clean=clean,
        corrupted=averages.over_types,
        corrupted_by_groups=averages.over_groups,
        retention=_ratio(averages.over_types, clean),
        retention_by_groups=_ratio(averages.over_groups, clean),
        by_group=averages.by_group,
        by_corruption=by_corruption,
        retention_by_corruption={} if clean is None else {name: score / clean for name, score in by_corruption.items()},
        by_severity=by_severity,
        by_severity_types=even,
        by_severity_left_out=tuple(name for name in protocol.corruptions if name not in even),
        scores=scores,
        worst=WorstCell(*lowest, found[lowest]),
        drop_by_severity={} if clean is None else {level: clean - score for level, score in by_severity.items()},
        drop_per_severity=(clean - by_severity[severities[-1]]) / severities[-1] if clean and by_severity else None,
        missing=missing,
        run=run,
        classes=classes,
    )


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or whole is None else part / whole
