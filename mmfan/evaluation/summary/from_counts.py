"""Confidence intervals and image-level scores of a run whose counts per picture were kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.metrics.counts import METRICS
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.counts_file import CountsError, PictureCounts
from mmfan.evaluation.results.store import Record, ResultsError, ResultsStore
from mmfan.evaluation.summary.intervals import Intervals, PictureSummary, bootstrap, stored_counts, summarize_pictures
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError


class FromCounts(NamedTuple):
    """What the counts say.

    Attributes:
        intervals: None without counts of every cell.
        pictures: None without counts of every cell, and for other metrics than mIoU.
        problem: Why there are none although there are counts; empty otherwise.
    """

    intervals: Intervals | None = None
    pictures: PictureSummary | None = None
    problem: str = ""


def scores_from_counts(files: Sequence[tuple[Path, Sequence[Record]]], protocol: Protocol, metric: str) -> FromCounts:
    """Intervals and image-level scores of a run, if its counts are there.

    Args:
        files: Results files with the run's records of each.
        protocol: On which protocol.
        metric: Which metric; only those of pixel counts have any.

    Returns:
        Nothing, where a cell was judged without counts; nothing and the reason, where counts cannot be used.
    """
    if metric not in METRICS:
        return FromCounts()
    counts: dict[Cell, Callable[[], PictureCounts]] = {}
    for path, records in files:
        counts.update(stored_counts(ResultsStore(path), records))
    try:
        intervals = bootstrap(counts, protocol, metric)
        return FromCounts(intervals, summarize_pictures(counts, protocol) if metric == "mIoU" else None)
    except MissingCellsError:
        return FromCounts()
    except (CountsError, SummaryError, ResultsError) as error:
        return FromCounts(problem=str(error))
