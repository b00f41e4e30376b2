"""Runs of a report taken together: joined to groups, and compared over the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import GroupReport, ModelReport, ReportError
from mmfan.evaluation.report.runs.alike import check_alike
from mmfan.evaluation.results.counts_file import CountsError
from mmfan.evaluation.results.store import ResultsError
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.uncertainty.differences import Differences, differences
from mmfan.evaluation.summary.uncertainty.from_counts import FromCounts
from mmfan.evaluation.summary.uncertainty.intervals import resample
from mmfan.evaluation.summary.uncertainty.spread import summarize_group


def join_runs(
    models: Sequence[ModelReport], groups: Mapping[str, Sequence[str]]
) -> tuple[tuple[GroupReport, ...], list[str]]:
    """Join runs to groups.

    Args:
        models: All of a report.
        groups: Name -> the names of its runs.

    Returns:
        The groups, and what differs between their runs all the same, a sentence each.

    Raises:
        ReportError: There is no such run, or it is in two groups; a group has the name of a run, or runs of unlike
            pictures or labels.
        mmfan.evaluation.summary.selection.SummaryError: It has fewer than two, or runs of unlike cells.
    """
    named = {model.name: model for model in models}
    seen: dict[str, str] = {}
    made, notes = [], []
    for group, members in groups.items():
        if group in named:
            raise ReportError(f"The group {group!r} has the name of a run; choose another name.")
        for member in members:
            if member not in named:
                raise ReportError(f"There is no run {member!r} for the group {group!r}; there are {', '.join(named)}.")
            if member in seen:
                raise ReportError(f"The run {member!r} cannot be in two groups, {seen[member]!r} and {group!r}.")
            seen[member] = group
        chosen = [named[member] for member in members]
        notes += check_alike([model.run for model in chosen], f"runs of the group {group}", "be joined")
        made.append(GroupReport(group, tuple(members), summarize_group(group, [model.summary for model in chosen])))
    return tuple(made), notes


def paired_differences(
    models: Sequence[ModelReport], counts: Mapping[str, FromCounts], protocol: Protocol, metric: str, reference: str
) -> tuple[tuple[Differences, ...], list[str]]:
    """The differences of models from the first one, or from the reference where it is one of them.

    Args:
        models: All of a report.
        counts: Name -> what its counts say.
        protocol: Which cells.
        metric: Which metric.
        reference: A model, or something else.

    Returns:
        The differences of those whose counts are there, and why others have none, a sentence each.
    """
    names = [model.name for model in models if counts[model.name].drawn is not None]
    first = reference if reference in names else next(iter(names), "")
    own_sets = {model.name: model.summary.dataset for model in models}
    made, notes = [], []
    for name in names:
        if name == first or own_sets[name] != own_sets[first]:
            continue
        own, theirs = counts[name], counts[first].drawn
        if own.drawn is None or theirs is None:
            continue
        try:
            drawn = own.drawn
            if drawn.pictures != theirs.pictures:
                drawn = resample(own.counts or {}, protocol, metric, pictures=theirs.pictures)
            made.append(differences(name, drawn, first, theirs, metric))
        except (CountsError, SummaryError, ResultsError) as error:
            notes.append(f"{name} is not compared with {first} picture by picture: {error}")
    return tuple(made), notes
