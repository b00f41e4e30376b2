"""Contents of a report: its runs, the numbers of each model, and the tables, which alone are rounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.published import PublishedRow
from mmfan.evaluation.results.store import Record, RunKey
from mmfan.evaluation.summary.calibration import CalibrationSummary
from mmfan.evaluation.summary.classes import ClassScore
from mmfan.evaluation.summary.corruption_error import CorruptionError
from mmfan.evaluation.summary.flips import FlipSummary
from mmfan.evaluation.summary.strengths import Strengths
from mmfan.evaluation.summary.summary import Summary
from mmfan.evaluation.summary.uncertainty.differences import Differences
from mmfan.evaluation.summary.uncertainty.intervals import Intervals, PictureSummary
from mmfan.evaluation.summary.uncertainty.spread import GroupSummary
from mmfan.utils.tables import Table
from mmfan.utils.text import shortlist


class ReportError(MMFanError):
    """A report cannot be made of these results files."""


@dataclass(frozen=True)
class Run:
    """The records of one model.

    Attributes:
        name: For people; no two runs of a report have the same.
        key: Which run it is.
        files: The files that its records are from, with those of each.
    """

    name: str
    key: RunKey
    files: tuple[tuple[Path, tuple[Record, ...]], ...]

    @property
    def results(self) -> Path:
        """The first of the files."""
        return self.files[0][0]

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, of whatever cells."""
        return tuple(record for _, records in self.files for record in records)


@dataclass(frozen=True)
class ModelReport:
    """One model of a report.

    Attributes:
        name: For people.
        run: Its records.
        summary: Its numbers.
        per_class: Class -> its scores; empty where the records have no scores of classes.
        error: Its corruption error against the report's reference model; None without one.
        intervals: Confidence intervals over pictures; None without counts.
        pictures: Image-level scores; None without counts, and for other metrics than mIoU.
        calibration: What its confidence is worth; None where it was judged without.
        flips: How steady its predictions are; None where it was judged without.
    """

    name: str
    run: Run
    summary: Summary
    per_class: dict[str, ClassScore] = field(default_factory=dict)
    error: CorruptionError | None = None
    intervals: Intervals | None = None
    pictures: PictureSummary | None = None
    calibration: CalibrationSummary | None = None
    flips: FlipSummary | None = None


class OtherSet(NamedTuple):
    """What a model scores on the clean pictures of a set that it was judged on without corruptions.

    Attributes:
        model: Its name.
        dataset: Name of the set.
        metrics: Name of a score -> score, a fraction; None where it is not defined.
        run: The name of its run, which tells two of one model on one set apart.
        checkpoint_hash: Of its weights; None where the records do not say.
    """

    model: str
    dataset: str
    metrics: dict[str, float | None]
    run: str = ""
    checkpoint_hash: str | None = None

    def of(self, run: Run) -> bool:
        """Whether the model is that of a run: the same name and, as far as both say, the same weights."""
        weights = {self.checkpoint_hash, run.key.checkpoint_hash} - {None}
        return self.model == run.key.model and len(weights) < 2


@dataclass(frozen=True)
class GroupReport:
    """Runs of a report that are shown as one: of several seeds of a training, say.

    Attributes:
        name: For people; no run of the report has it.
        members: The names of its runs.
        summary: Their means and spreads.
    """

    name: str
    members: tuple[str, ...]
    summary: GroupSummary


@dataclass(frozen=True)
class Section:
    """One family of conditions in a report: nothing of it is averaged with anything else.

    Attributes:
        title: Its heading.
        protocol: Its cells.
        text: What its scores are held against, and what they can be compared with.
        tables: Every table with content, as text.
        notes: What a reader must know.
        numbers: A dict for each model, in the types of JSON, unrounded.
        curves: Of a family without means, the scores of each model at each strength.
    """

    title: str
    protocol: Protocol
    text: str
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    numbers: tuple[dict[str, Any], ...] = ()
    curves: tuple[Strengths, ...] = ()


@dataclass(frozen=True, repr=False)
class Report:
    """Models side by side.

    Attributes:
        protocol: What all of them were judged on.
        metric: Which metric.
        models: In the order of the results files.
        published: Rows from the literature, each with its own protocol.
        class_metric: The metric of ``per_class``; empty if there is none.
        reference: The model that corruption errors are taken against; empty if none was asked for.
        notes: What a reader must know: what is partial, what must not be compared.
        tables: Every table with content, as text: the overview first, or the ranking.
        groups: Runs that are shown as one.
        differences: Of the models from the first one or the reference, over the same pictures.
        columns: Those of the first table that were asked for; none for those of the format.
        others: What classifiers score on other sets, without corruptions.
        ranked_by: ``retention``, ``corrupted`` or ``clean`` where the first table is a ranking; empty otherwise.
        sections: Families of conditions beside the cells of the protocol. Where the protocol itself is of conditions
            that are not averaged there are no models, and its own family is the first of these.
        runs: The runs that the sections are of, where there are no models.
    """

    protocol: Protocol
    metric: str
    models: tuple[ModelReport, ...]
    published: tuple[PublishedRow, ...] = ()
    class_metric: str = ""
    reference: str = ""
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    groups: tuple[GroupReport, ...] = ()
    differences: tuple[Differences, ...] = ()
    columns: tuple[str, ...] = ()
    ranked_by: str = ""
    sections: tuple[Section, ...] = ()
    others: tuple[OtherSet, ...] = ()
    runs: tuple[Run, ...] = ()

    def __repr__(self) -> str:  # short, for it is what a notebook shows behind `result.report(...)`
        return f"<Report of {shortlist([entry.name for entry in self.entries])}: {self.metric}, {self.protocol.name}>"

    @property
    def first_table(self) -> Table:
        """What is shown where there is room for one table."""
        return next(table for tables in (self.tables, *(one.tables for one in self.sections)) for table in tables)

    @property
    def entries(self) -> tuple[ModelReport | GroupReport, ...]:
        """What has a row of its own: groups, each in the place of its first run, and the runs that are in none."""
        group_of = {member: group for group in self.groups for member in group.members}
        shown = {entry.name: entry for entry in (group_of.get(model.name, model) for model in self.models)}
        return tuple(shown.values())

    @property
    def members(self) -> tuple[ModelReport, ...]:
        """The models that are shown as part of a group."""
        joined = {member for group in self.groups for member in group.members}
        return tuple(model for model in self.models if model.name in joined)
