"""Report of one or many models side by side under one protocol, from their runs. Nothing is rounded here.

The numbers are those of :func:`mmfan.evaluation.summary.summary.summarize`; the forms they are printed in are in
:mod:`mmfan.evaluation.report.formats` and :mod:`mmfan.evaluation.report.html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmfan.evaluation.protocol import Protocol, get_protocol
from mmfan.evaluation.report.contents import ModelReport, OtherSet, Report, ReportError, Run
from mmfan.evaluation.report.families import beside_the_model, sections_of
from mmfan.evaluation.report.notes import notes_on
from mmfan.evaluation.report.published import PublishedRow, published_rows, same_dataset
from mmfan.evaluation.report.runs.joined import join_runs, paired_differences
from mmfan.evaluation.report.tables.calibration import notes_of
from mmfan.evaluation.report.tables.ranking import check_ranking, rankable_rows
from mmfan.evaluation.report.tables.tables import all_tables
from mmfan.evaluation.report.worst_attack import worst_of_attacks
from mmfan.evaluation.results.store import Record
from mmfan.evaluation.summary.calibration import CalibrationSummary, summarize_calibration
from mmfan.evaluation.summary.classes import ClassScore, summarize_classes
from mmfan.evaluation.summary.corruption_error import mce
from mmfan.evaluation.summary.flips import FlipSummary, summarize_flips
from mmfan.evaluation.summary.selection import SummaryError, per_class_of
from mmfan.evaluation.summary.summary import Summary, summarize
from mmfan.evaluation.summary.uncertainty.from_counts import FromCounts, scores_from_counts
from mmfan.utils.text import one_line


def metrics_of(runs: Iterable[Run]) -> list[str]:
    """Every metric that can be asked for: those of the records, and those of single classes as ``IoU.car``."""
    names: dict[str, None] = {}
    for run in runs:
        for record in run.records:
            names.update(dict.fromkeys(record["metrics"]))
            for metric, scores in per_class_of(record).items():
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
    groups: Mapping[str, Sequence[str]] | None = None,
    columns: Sequence[str] = (),
    ranked_by: str = "",
    families: Sequence[Protocol] = (),
    sets: Sequence[OtherSet] = (),
) -> Report:
    """Summarise runs under one protocol and put them side by side; each family of its cells has a section of its own.

    Args:
        runs: From :func:`read_runs`.
        protocol: As in :func:`mmfan.evaluation.protocol.get_protocol`.
        metric: One of :func:`metrics_of`.
        partial: Take models with missing cells too; the report then says what is missing.
        published: Rows of the literature to show beside them.
        reference: The run, or the published row, against which mCE and relative mCE of all are taken; a run also that
            which differences over the same pictures are taken from, else it is the first.
        groups: Name -> the names of the runs to show as one, as mean and standard deviation.
        columns: Those of the first table, by their heads; none for the usual ones of each format.
        ranked_by: Rank the models within each data set by ``retention``, ``corrupted`` or ``clean``: the first table
            is then a leaderboard, and what cannot be ranked is refused.
        families: Protocols of one family each, whose cells some of the runs have as well; a section each.
        sets: What classifiers score on other sets, without corruptions.

    Raises:
        ReportError: There are no runs, none has the metric, or none is the reference; there is no such column; runs
            cannot be joined or ranked.
        mmfan.evaluation.summary.selection.SummaryError: See there; missing and NaN cells, above all.
        mmfan.evaluation.protocol.ProtocolError: There is no such protocol.
    """
    wanted = get_protocol(protocol)
    check_metric(runs, metric)
    first, *others = (*wanted.families, *families)
    if first.kind.averaged:
        made = _of_one_family(runs, first, metric, partial, published, reference, groups, columns, ranked_by, sets)
        beside = beside_the_model(made)
        made = replace(made, tables=(*made.tables[:1], beside, *made.tables[1:])) if beside.rows else made
    else:
        _refuse_what_needs_means(first, ranked_by=ranked_by, groups=groups, columns=columns, reference=reference)
        made, others = Report(first, metric, (), runs=tuple(runs)), [first, *others]
    if not others:
        return made
    sections, notes = sections_of(
        runs, others, metric, lambda own, family: build_report(own, family, metric, partial=partial), partial=partial
    )
    if not made.models and not sections:
        raise SummaryError(notes[0])
    sections += worst_of_attacks(sections)
    return replace(made, sections=tuple(sections), notes=(*made.notes, *notes))


def _refuse_what_needs_means(protocol: Protocol, **asked: Any) -> None:
    """See that nothing was asked for that is made of means.

    Raises:
        ReportError: Something was, of conditions that have none.
    """
    what = {
        "ranked_by": "leaderboard (--leaderboard)", "groups": "group of runs (--group)",
        "columns": "choice of columns (--columns)", "reference": "reference (--reference)",
    }  # fmt: skip
    given = [what[name] for name, value in asked.items() if value]
    if given:
        raise ReportError(
            f"Of {protocol.name!r} there is no mean, and so no {', no '.join(given)}: its scores stand at each "
            "strength. Leave it out, or name a protocol of corruptions or weather that the files hold too: --protocol."
        )


def _of_one_family(
    runs: Sequence[Run], wanted: Protocol, metric: str, partial: bool, published: Sequence[PublishedRow],
    reference: str, groups: Mapping[str, Sequence[str]] | None, columns: Sequence[str], ranked_by: str,
    sets: Sequence[OtherSet],
) -> Report:  # fmt: skip
    """The report on cells that are averaged."""
    class_metric = _class_metric(runs, metric)
    models: list[ModelReport] = []
    notes: list[str] = []
    counts: dict[str, FromCounts] = {}
    for run in runs:
        try:
            summary = summarize_run(run, wanted, metric, partial=partial)
        except SummaryError as error:
            if repr(run.name) in str(error):
                raise
            raise type(error)(f"{run.name}, in {run.results}: {error}", error.cells) from error
        found = counts[run.name] = scores_from_counts(run.files, wanted, metric)
        notes += [f"{run.name} has no confidence intervals: {found.problem}"] if found.problem else []
        classes: dict[str, ClassScore] = {}
        if any(class_metric in per_class_of(record) for record in run.records):
            try:
                classes = summarize_classes(run.records, wanted, class_metric, partial=partial)
            except SummaryError as error:
                notes.append(f"{run.name} has no scores by class: {error}")
        calibration, remarks = _calibration_of(run, wanted)
        flips, more = _flips_of(run, wanted)
        notes += [*remarks, *more]
        models.append(
            ModelReport(run.name, run, summary, classes, None, found.intervals, found.pictures, calibration, flips)
        )
    if ranked_by:
        notes += check_ranking(models, ranked_by)
        published, left_out = rankable_rows(published, wanted, models, ranked_by)
        notes += left_out
    joined, said = join_runs(models, groups or {})
    apart, unlike = paired_differences(models, counts, wanted, metric, reference)
    notes = [one_line(note, 100_000) for note in (*notes_on(wanted, models, published), *notes, *said, *unlike)]
    if reference:
        models = _with_errors(models, reference, metric)
    made = Report(
        wanted, metric, tuple(models), tuple(published), class_metric, reference, tuple(dict.fromkeys(notes)),
        groups=joined, differences=apart, columns=tuple(columns), ranked_by=ranked_by,
        others=tuple(sets),
    )  # fmt: skip
    return replace(made, tables=all_tables(made))


def _calibration_of(run: Run, protocol: Protocol) -> tuple[CalibrationSummary | None, list[str]]:
    """The calibration of a run, if it was judged with it, and what must be known of it."""
    try:
        found = summarize_calibration(run.records, protocol)
    except SummaryError as error:
        return None, [f"{run.name} has no calibration: {error}"]
    return found, [] if found is None else notes_of(run.name, found)


def _flips_of(run: Run, protocol: Protocol) -> tuple[FlipSummary | None, list[str]]:
    """The flips of a run, if it was judged with them, and why there are none."""
    try:
        return summarize_flips(run.records, protocol), []
    except SummaryError as error:
        return None, [f"{run.name} has no flips: {error}"]


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


def _class_metric(runs: Sequence[Run], metric: str) -> str:
    """The classes' own metric behind an overall one: IoU behind mIoU, bbox_AP behind bbox_mAP."""
    there = {name for run in runs for record in run.records for name in per_class_of(record)}
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
        scores = per_class_of(record).get(kind, {})
        lifted.append({**record, "metrics": {metric: scores[name]} if name in scores else record["metrics"]})
    return lifted
