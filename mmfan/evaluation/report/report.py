"""A report: one or many models side by side under one protocol, from results files. Nothing is rounded here.

The numbers are those of :func:`mmfan.evaluation.summary.summary.summarize`; the forms they are printed in are in
:mod:`mmfan.evaluation.report.formats` and :mod:`mmfan.evaluation.report.html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmfan.corruptions.cell import Cell, listed
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol, get_protocol
from mmfan.evaluation.report.published import PublishedRow, published_rows
from mmfan.evaluation.results.store import Record, ResultsStore, RunKey, group_runs, key_of
from mmfan.evaluation.summary.classes import ClassScore, summarize_classes
from mmfan.evaluation.summary.corruption_error import CorruptionError, mce
from mmfan.evaluation.summary.from_counts import scores_from_counts
from mmfan.evaluation.summary.intervals import Intervals, PictureSummary
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.summary import Summary, summarize
from mmfan.utils.text import counted, spoken

# What tells two runs of one model apart, in the order in which it is tried, and how it is said.
_TELLING = (
    ("checkpoint_hash", "checkpoint {:.8}"),
    ("config_hash", "config {:.8}"),
    ("dataset", "{}"),
    ("seed", "seed {}"),
    ("pictures", "pictures {:.8}"),
)

# the pictures of the validation sets that the published rows are of
PUBLISHED_PICTURES = {"cityscapes": 500, "coco": 5000}


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
    """

    name: str
    run: Run
    summary: Summary
    per_class: dict[str, ClassScore] = field(default_factory=dict)
    error: CorruptionError | None = None
    intervals: Intervals | None = None
    pictures: PictureSummary | None = None


@dataclass(frozen=True)
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
    """

    protocol: Protocol
    metric: str
    models: tuple[ModelReport, ...]
    published: tuple[PublishedRow, ...] = ()
    class_metric: str = ""
    reference: str = ""
    notes: tuple[str, ...] = ()


def read_runs(paths: Iterable[str | Path]) -> list[Run]:
    """Read results files, and name each model in them once.

    One run may be spread over several files. Two runs of one model name (two checkpoints, say) are told apart in their
    names. Where records do not say whose they are but for the model's name, and two files have the same cells under
    it, they are two models, named after their files.

    Args:
        paths: Results files; one that is given twice counts once.

    Raises:
        ReportError: A file is not there or holds no records.
        mmfan.evaluation.results.store.ResultsError: A line of a file is no record.
        OSError: A file cannot be read.
    """
    found: dict[tuple[RunKey, Path | None], list[tuple[Path, list[Record]]]] = {}
    for path in dict.fromkeys(Path(path) for path in paths):
        if not path.exists():
            raise ReportError(f"There is no results file {path}; tools/test_robustness.py writes one.")
        records = ResultsStore(path).records()
        if not records:
            raise ReportError(f"The results file {path} holds no records; judge a model first.")
        for key, own in group_runs(records).items():
            there = {key_of(record)[1] for _, others in found.get((key, None), []) for record in others}
            overlap = key.checkpoint_hash is None and any(key_of(record)[1] in there for record in own)
            found.setdefault((key, path if overlap else None), []).append((path, own))
    if not found:
        raise ReportError("Expected at least one results file, got none.")
    runs = [Run("", key, tuple((path, tuple(own)) for path, own in files)) for (key, _), files in found.items()]
    return [replace(run, name=name) for name, run in zip(_names(runs), runs, strict=True)]


def _names(runs: Sequence[Run]) -> list[str]:
    """A name for each run; where one model has several, what tells them apart stands in brackets."""
    names = [run.key.model for run in runs]
    for model in dict.fromkeys(names):
        places = [place for place, run in enumerate(runs) if run.key.model == model]
        if len(places) == 1:
            continue
        labels = {place: _told_apart(runs[place], [runs[other] for other in places]) for place in places}
        if len(set(labels.values())) < len(places):
            labels = {
                place: f"{label}{', ' if label else ''}run {at}" for at, (place, label) in enumerate(labels.items(), 1)
            }
        for place, label in labels.items():
            names[place] = f"{model} ({label})"
    return names


def _told_apart(run: Run, others: Sequence[Run]) -> str:
    parts: list[str] = []
    for part, form in _TELLING:
        values = {getattr(other.key, part) for other in others}
        if len(values) > 1:
            value = getattr(run.key, part)
            parts.append(f"no {form.split(maxsplit=1)[0]}" if value is None else form.format(str(value)))
    if len({other.results for other in others}) > 1 and len({other.key for other in others}) < len(others):
        parts.append(run.results.name if len({other.results.name for other in others}) > 1 else str(run.results))
    return ", ".join(parts)


def metrics_of(runs: Iterable[Run]) -> list[str]:
    """Every metric that can be asked for: those of the records, and those of single classes as ``IoU.car``."""
    names: dict[str, None] = {}
    for run in runs:
        for record in run.records:
            names.update(dict.fromkeys(record["metrics"]))
            for metric, scores in _per_class(record).items():
                names.update(dict.fromkeys(f"{metric}.{name}" for name in scores))
    return list(names)


def build_report(
    runs: Sequence[Run],
    protocol: str | Mapping[str, Any] | Protocol = "kamann16",
    metric: str = "mIoU",
    *,
    partial: bool = False,
    published: Sequence[PublishedRow] = (),
    reference: str = "",
) -> Report:
    """Summarise runs under one protocol and put them side by side.

    Args:
        runs: From :func:`read_runs`.
        protocol: As in :func:`mmfan.evaluation.protocol.get_protocol`.
        metric: One of :func:`metrics_of`.
        partial: Take models with missing cells too; the report then says what is missing.
        published: Rows of the literature to show beside them.
        reference: The run, or the published row, against which mCE and relative mCE of all are taken.

    Raises:
        ReportError: There are no runs, none has the metric, or none is the reference.
        mmfan.evaluation.summary.selection.SummaryError: See there; missing and NaN cells, above all.
        mmfan.evaluation.protocol.ProtocolError: There is no such protocol.
    """
    wanted = get_protocol(protocol)
    check_metric(runs, metric)
    class_metric = _class_metric(runs, metric)
    models: list[ModelReport] = []
    notes: list[str] = []
    for run in runs:
        summary = summarize_run(run, wanted, metric, partial=partial)
        found = scores_from_counts(run.files, wanted, metric)
        notes += [f"{run.name} has no confidence intervals: {found.problem}"] if found.problem else []
        classes: dict[str, ClassScore] = {}
        if any(class_metric in _per_class(record) for record in run.records):
            try:
                classes = summarize_classes(run.records, wanted, class_metric, partial=partial)
            except SummaryError as error:
                notes.append(f"{run.name} has no scores by class: {error}")
        models.append(ModelReport(run.name, run, summary, classes, intervals=found.intervals, pictures=found.pictures))
    notes = [*_notes(wanted, models, published), *notes]
    if reference:
        models = _with_errors(models, reference, metric)
    return Report(wanted, metric, tuple(models), tuple(published), class_metric, reference, tuple(notes))


def _with_errors(models: Sequence[ModelReport], reference: str, metric: str) -> list[ModelReport]:
    own = {model.name: model.summary for model in models}
    published = {row.name: row for row in published_rows(metric=metric)}
    against = own.get(reference) or published.get(reference)
    if against is None:
        names = ", ".join(map(repr, own))
        raise ReportError(
            f"The reference {reference!r} is not in the results, which have {names}, and no published row of {metric}."
        )
    return [replace(model, error=mce(model.summary, against)) for model in models]


def published_beside(runs: Sequence[Run], metric: str, names: Sequence[str] = ()) -> tuple[PublishedRow, ...]:
    """The published rows to show beside some runs.

    Args:
        runs: What they will stand beside.
        metric: Only rows of this metric.
        names: These rows, whatever their data set; none: all rows of the runs' data sets.

    Raises:
        MMFanError: There is no row of one of the names.
    """
    if names:
        return published_rows(names, metric=metric)
    own = {run.key.dataset for run in runs}
    return tuple(
        row for row in published_rows(metric=metric) if any(same_dataset(row.dataset, dataset) for dataset in own)
    )


def check_metric(runs: Sequence[Run], metric: str) -> None:
    """See that at least one record has the metric.

    Raises:
        ReportError: None has, or there are no runs; the message lists the metrics there are.
    """
    if not runs:
        raise ReportError("Expected at least one model to report on, got none.")
    there = metrics_of(runs)
    if metric not in there:
        overall = [name for name in there if "." not in name]
        single = [name for name in there if "." in name]
        more = f", and those of single classes, like {single[0]}" if single else ""
        raise ReportError(f"No record has the metric {metric!r}. There are {', '.join(overall)}{more}.")


def summarize_run(run: Run, protocol: Protocol, metric: str, *, partial: bool = False) -> Summary:
    """The summary of one run; ``metric`` may be that of a single class.

    Raises:
        mmfan.evaluation.summary.selection.SummaryError: As :func:`mmfan.evaluation.summary.summary.summarize`.
    """
    return summarize(_with_metric(run.records, metric), protocol, metric, partial=partial)


def _per_class(record: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    found = record.get("per_class")
    found = found if isinstance(found, Mapping) else {}
    return {metric: dict(scores) for metric, scores in found.items() if isinstance(scores, Mapping)}


def _class_metric(runs: Sequence[Run], metric: str) -> str:
    """The classes' own metric behind an overall one: IoU behind mIoU, bbox_AP behind bbox_mAP."""
    there = {name for run in runs for record in run.records for name in _per_class(record)}
    without_mean = metric.replace("_m", "_") if "_m" in metric else metric.removeprefix("m")
    candidates = (metric, without_mean, metric.rpartition("_")[0] or metric)
    return next((name for name in candidates if name in there), "")


def _with_metric(records: Iterable[Record], metric: str) -> list[Record]:
    """The records, with the score of a single class as if it were an overall metric where that was asked for."""
    kept = list(records)
    if any(metric in record["metrics"] for record in kept):
        return kept
    kind, _, name = metric.partition(".")
    lifted = []
    for record in kept:
        scores = _per_class(record).get(kind, {})
        lifted.append({**record, "metrics": {metric: scores[name]} if name in scores else record["metrics"]})
    return lifted


def _number_of_pictures(model: ModelReport) -> int | None:
    """How many pictures a model was judged on, if its records say: a number, or one before the hash of their list."""
    number = str(model.run.key.pictures).partition("-")[0]
    return int(number) if number.isdecimal() else None


def same_dataset(published: str, own: str) -> bool:
    """Whether the data set of a published row is that of a record, which may say it in its own way.

    >>> same_dataset("cityscapes", "CityscapesDataset"), same_dataset("cityscapes", "mini_cityscapes")
    (True, False)
    """
    plain = own.rpartition(".")[2].lower().removesuffix("dataset").rstrip("_- ")
    return plain.removesuffix("_val") == published


def _notes(protocol: Protocol, models: Sequence[ModelReport], published: Sequence[PublishedRow]) -> list[str]:
    notes = []
    for model in models:
        if model.summary.partial:
            missing = model.summary.missing
            notes.append(f"PARTIAL: {model.name} lacks {counted(len(missing), 'cell')}: {spoken(listed(missing))}.")
        if model.run.key.pictures is not None and any("limit" in record for record in model.run.records):
            notes.append(f"{model.name} was judged on a subset of the pictures ({model.run.records[0]['limit']}).")
        said: dict[str, list[Cell]] = {}
        for record in model.run.records:
            if record.get("note"):
                said.setdefault(str(record["note"]), []).append(key_of(record)[1])
        notes += [f"{model.name}, {spoken(listed(cells))}: {note}" for note, cells in said.items()]
    own_sets = {model.summary.dataset for model in models}
    for row in published:
        if row.protocol != protocol.name:
            notes.append(
                f"{row.name} ({row.label}) is not comparable in corrupted score and retention: this report is on "
                f"{protocol.name}, {protocol.size} cells."
            )
        if not any(same_dataset(row.dataset, name) for name in own_sets):
            notes.append(f"{row.name} was judged on {row.dataset}, not on {' or '.join(sorted(own_sets))}.")
        counts = {_number_of_pictures(model) for model in models} - {None, PUBLISHED_PICTURES[row.dataset]}
        if counts:
            own = " and ".join(map(str, sorted(filter(None, counts))))
            notes.append(f"{row.name} was judged on {PUBLISHED_PICTURES[row.dataset]} pictures, not on {own}.")
        if row.note:
            notes.append(f"{row.name}: {row.note}")
    for what, values in (
        ("data sets", own_sets),
        ("seeds of the corruptions", {str(model.run.key.seed) for model in models}),
        ("lists of pictures", {str(model.run.key.pictures) for model in models}),
    ):
        if len(values) > 1:
            notes.append(
                f"The models were judged on different {what} ({', '.join(sorted(values))}); compare with care."
            )
    return notes
