"""Ranking of models on one or several data sets, and what may stand in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.report.contents import ModelReport, Report, ReportError
from mmfan.evaluation.report.notes import PUBLISHED_PICTURES, number_of_pictures
from mmfan.evaluation.report.published import PublishedRow, same_dataset
from mmfan.evaluation.report.runs.alike import check_alike
from mmfan.evaluation.report.tables.overview import (
    NARROW,
    Column,
    Row,
    choose_columns,
    overview,
    scores_of,
    table_of_rows,
)
from mmfan.evaluation.summary.uncertainty.spread import Spread
from mmfan.utils.tables import Table

SORTED_BY = ("retention", "corrupted", "clean")


def first_table(report: Report, columns: Sequence[str] = ()) -> Table:
    """The ranking where one was asked for, else the overview.

    Args:
        report: What to show.
        columns: As in :func:`mmfan.evaluation.report.tables.overview.overview`.
    """
    return ranking(report, columns) if report.ranked_by else overview(report, columns)


def check_ranking(models: Sequence[ModelReport], by: str) -> list[str]:
    """See that models can be ranked within their data sets.

    Returns:
        What differs between them all the same, a sentence each.

    Raises:
        ReportError: They lack cells, or those of a data set were judged on other pictures, labels or classes; the
            message says which file has which.
    """
    if by not in SORTED_BY:
        raise ReportError(f"A ranking is by {', '.join(SORTED_BY)}, not by {by!r}.")
    partial = [model.name for model in models if model.summary.partial]
    if partial:
        raise ReportError(f"Models that lack cells cannot be ranked: {', '.join(partial)}. Judge the cells they lack.")
    notes = []
    for dataset in dict.fromkeys(model.summary.dataset for model in models):
        own = [model for model in models if model.summary.dataset == dataset]
        notes += check_alike([model.run for model in own], f"models on {dataset}", "be ranked")
        if len({model.summary.classes for model in own}) > 1:
            each = "; ".join(f"{one.run.results.name}: {one.name}, {one.summary.classes or 'not said'}" for one in own)
            raise ReportError(
                f"The models on {dataset} cannot be ranked: their scores are means over unlike classes ({each}). "
                "Choose those that are alike: --model."
            )
    return notes


def rankable_rows(
    published: Sequence[PublishedRow], protocol: Protocol, models: Sequence[ModelReport], by: str
) -> tuple[tuple[PublishedRow, ...], list[str]]:
    """The published rows of the same protocol and data sets that have the score, and what is said of the others."""
    kept = [
        row
        for row in published
        if row.protocol == protocol.name and getattr(row, by) is not None and _on_the_pictures_of(row, models)
    ]
    out = [f"{row.name} ({row.label})" for row in published if row not in kept]
    note = (
        "Left out of the ranking, for another protocol, data set or number of pictures, or for want of the score: "
        f"{', '.join(out)}."
    )
    return tuple(kept), [note] if out else []


def _on_the_pictures_of(row: PublishedRow, models: Sequence[ModelReport]) -> bool:
    own = [model for model in models if same_dataset(row.dataset, model.summary.dataset)]
    return bool(own) and all(number_of_pictures(one.run) in (None, PUBLISHED_PICTURES[row.dataset]) for one in own)


class Ranked(NamedTuple):
    """A row of a leaderboard.

    Attributes:
        row: The model, group or published row.
        dataset: As the records of the models say it.
        place: From 1 on; equal ones share one.
    """

    row: Row
    dataset: str
    place: int


def ranked_rows(report: Report) -> list[Ranked]:
    """The models of each data set, the best first."""
    ranked = []
    for dataset in dict.fromkeys(entry.summary.dataset for entry in report.entries):
        own: list[Row] = [entry for entry in report.entries if entry.summary.dataset == dataset]
        own += [row for row in report.published if same_dataset(row.dataset, dataset)]
        scores = [_score(row, report.ranked_by) for row in own]
        for at in sorted(range(len(own)), key=lambda at: -scores[at]):
            ranked.append(Ranked(own[at], dataset, 1 + sum(other > scores[at] for other in scores)))
    return ranked


def ranking_columns(report: Report, columns: Sequence[str] = ()) -> list[Column]:
    """The columns of a leaderboard that are asked for, or the usual ones."""
    chosen = choose_columns(report, columns or (*NARROW, "worst type", "worst cell"))
    return [column for column in chosen if column.head != "data set"]


def ranking(report: Report, columns: Sequence[str] = ()) -> Table:
    """The leaderboard as a table; columns as in :func:`mmfan.evaluation.report.tables.overview.overview`."""
    ranked = ranked_rows(report)
    known = {id(one.row): one for one in ranked}
    datasets = list(dict.fromkeys(one.dataset for one in ranked))
    front = [Column("data set", lambda row: known[id(row)].dataset, words=True)] if len(datasets) > 1 else []
    front.append(Column("place", lambda row: known[id(row)].place, ranked=False))
    starts = [at for at in range(1, len(ranked)) if ranked[at].dataset != ranked[at - 1].dataset]
    more = f"; sorted by {report.ranked_by}" + (", within each data set" if len(datasets) > 1 else "")
    if report.ranked_by == "retention":
        more += ", which favours models that have little to lose: read it beside clean"
    rows = [one.row for one in ranked]
    return table_of_rows(report, "Leaderboard", rows, [*front, *ranking_columns(report, columns)], tuple(starts), more)


def _score(row: Row, by: str) -> float:
    score: float | Spread = getattr(scores_of(row), by)
    return score.mean if isinstance(score, Spread) else score
