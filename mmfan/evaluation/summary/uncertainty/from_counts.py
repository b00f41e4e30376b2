"""Confidence intervals and image-level scores of a run whose counts per picture were kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.metrics.counts import METRICS
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.counts_file import CountsError, PictureCounts
from mmfan.evaluation.results.store import Record, ResultsError, ResultsStore
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.evaluation.summary.uncertainty.intervals import (
    CONFIDENCE,
    Intervals,
    PictureSummary,
    Resampled,
    intervals_of,
    resample,
    stored_counts,
    summarize_pictures,
)


class FromCounts(NamedTuple):
    """What the counts say.

    Attributes:
        intervals: None without counts of every cell.
        pictures: None without counts of every cell, and for other metrics than mIoU.
        problem: Why there are none although there are counts; empty otherwise.
        drawn: The scores of every draw, for differences from other models.
        counts: Cell -> how to read its counts; None without counts of every cell.
    """

    intervals: Intervals | None = None
    pictures: PictureSummary | None = None
    problem: str = ""
    drawn: Resampled | None = None
    counts: Mapping[Cell, Callable[[], PictureCounts]] | None = None


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
        drawn = resample(counts, protocol, metric)
        intervals = intervals_of(drawn, protocol, metric, CONFIDENCE, seed=0)
        pictures = summarize_pictures(counts, protocol) if metric == "mIoU" else None
        return FromCounts(intervals, pictures, drawn=drawn, counts=counts)
    except MissingCellsError:
        return FromCounts()
    except (CountsError, SummaryError, ResultsError) as error:
        return FromCounts(problem=str(error))
