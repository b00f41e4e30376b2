"""Confidence intervals by bootstrap over pictures, and image-level scores under a protocol.

The set is drawn again from its own pictures, with replacement, as many as it has, a thousand times; the interval holds
the middle of the scores (percentile bootstrap, Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section
13.3). Every draw takes the same pictures in every cell, clean and corrupted: they are versions of the same scenes, and
a retention whose two parts were drawn apart would look less sure than it is. A class counts in a draw whose truth holds
it. What is resampled is pictures; the interval says nothing of another training run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial as bind
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.cell import CLEAN, Cell, listed
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import kind_of
from mmfan.evaluation.metrics.counts import Present, check_counts, image_level, score_of_sums
from mmfan.evaluation.protocol import Protocol, get_protocol
from mmfan.evaluation.results.counts_file import PictureCounts
from mmfan.evaluation.results.store import Record, ResultsStore, key_of
from mmfan.evaluation.summary.averages import average_cells
from mmfan.evaluation.summary.selection import MissingCellsError, SummaryError
from mmfan.utils.checks import whole_number
from mmfan.utils.text import counted

Counts = NDArray[np.int64]
# counts themselves, or a function that reads them when they are needed, so that one cell at a time is in memory
CountsOfCell = PictureCounts | NDArray[Any] | Callable[[], PictureCounts]

CONFIDENCE = 0.95
_RESAMPLES_AT_ONCE = 128


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Intervals:
    """Confidence intervals of a summary; fractions.

    Attributes:
        protocol: The name of the protocol.
        metric: Which metric.
        cells: How many corrupted cells.
        pictures: How many pictures were resampled.
        resamples: How many times.
        confidence: Which share of the resampled scores is within an interval.
        seed: Of the draws.
        clean: Of the clean score.
        corrupted: Of the mean over severities, then types.
        retention: Of their ratio, the two drawn together.
        by_group: Of the group means.
        by_corruption: Of the types.
    """

    protocol: str
    metric: str
    cells: int
    pictures: int
    resamples: int
    confidence: float
    seed: int
    clean: Interval
    corrupted: Interval
    retention: Interval
    by_group: dict[str, Interval]
    by_corruption: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON, an interval as a list of two numbers."""
        plain = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        for name in ("clean", "corrupted", "retention"):
            plain[name] = list(plain[name])
        for name in ("by_group", "by_corruption"):
            plain[name] = {key: list(ends) for key, ends in plain[name].items()}
        return plain


@dataclass(frozen=True)
class Resampled:
    """The scores of one model in every draw of the pictures.

    Attributes:
        pictures: Their names in the order in which they were drawn from; empty where the counts have none.
        truth: (pictures, classes) how many pixels of each class the truth of each picture holds.
        clean: (resamples,) clean scores.
        by_corruption: Type -> (resamples,) means over its severities.
        corrupted: (resamples,) means over the types.
        whole: ``clean``, ``corrupted`` and ``retention`` of all pictures, each counted once.
    """

    pictures: tuple[str, ...]
    truth: NDArray[np.int64]
    clean: NDArray[np.float64]
    by_corruption: dict[str, NDArray[np.float64]]
    corrupted: NDArray[np.float64]
    whole: dict[str, float]

    @property
    def retention(self) -> NDArray[np.float64]:
        """(resamples,) their ratios."""
        return self.corrupted / self.clean


@dataclass(frozen=True)
class PictureSummary:
    """The image-level mIoU under a protocol (see :func:`mmfan.evaluation.metrics.counts.image_level`); fractions.

    Attributes:
        protocol: The name of the protocol.
        clean: Mean over the clean pictures.
        corrupted: The image-level mIoU of each cell, averaged over severities, then types.
        retention: ``corrupted / clean``.
        worst_decile_clean: Mean over the worst tenth of the clean pictures.
        worst_decile_corrupted: The same of each cell, averaged likewise; the worst tenth may be others in each cell.
        by_corruption: Type -> mean over its severities.
    """

    protocol: str
    clean: float
    corrupted: float
    retention: float
    worst_decile_clean: float
    worst_decile_corrupted: float
    by_corruption: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        return dataclasses.asdict(self)


def stored_counts(store: ResultsStore, records: Iterable[Record]) -> dict[Cell, Callable[[], PictureCounts]]:
    """How to read the counts of the records that have them, cell by cell: what the functions below take.

    Args:
        store: Where the records are from.
        records: Those of one run.
    """
    return {key_of(record)[1]: bind(store.read_counts, record) for record in records if record.get("counts")}


def bootstrap(
    counts: Mapping[Cell, CountsOfCell],
    protocol: str | Mapping[str, Any] | Protocol,
    metric: str = "mIoU",
    *,
    resamples: int = 1000,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Intervals:
    """Confidence intervals over pictures, of the clean and the corrupted score and of retention.

    It costs ``2 * resamples * pictures`` bytes of memory beside the counts of one cell, and some tenths of a second for
    72 cells of 500 pictures.

    Args:
        counts: Cell -> its counts per picture; the clean cell and all of the protocol.
        protocol: As in :func:`mmfan.evaluation.protocol.get_protocol`.
        metric: ``mIoU``, ``mAcc`` or ``aAcc``.
        resamples: How many times the set is drawn.
        confidence: Which share of the drawn scores an interval holds.
        seed: Of the draws; the same seed and number of pictures draw the same pictures.

    Raises:
        MissingCellsError: Cells have no counts.
        SummaryError: The cells are not of the same pictures, or there are fewer than two; a clean score is 0.
        MMFanError: There is no such metric, or a number is out of range.
    """
    wanted = get_protocol(protocol)
    if not 0 < confidence < 1:
        raise MMFanError(f"Expected a confidence between 0 and 1, got {confidence!r}.")
    return intervals_of(
        resample(counts, wanted, metric, resamples=resamples, seed=seed), wanted, metric, confidence, seed
    )


def intervals_of(drawn: Resampled, protocol: Protocol, metric: str, confidence: float, seed: int) -> Intervals:
    """The intervals of a model from its scores in every draw; the arguments are those of :func:`bootstrap`."""
    between = bind(interval_of, confidence)
    types = drawn.by_corruption
    groups = {group: np.mean([types[name] for name in names], axis=0) for group, names in protocol.groups.items()}
    return Intervals(
        protocol=protocol.name,
        metric=metric,
        cells=protocol.size,
        pictures=len(drawn.truth),
        resamples=len(drawn.clean),
        confidence=confidence,
        seed=seed,
        clean=between(drawn.clean),
        corrupted=between(drawn.corrupted),
        retention=between(drawn.retention),
        by_group={group: between(values) for group, values in groups.items()},
        by_corruption={name: between(values) for name, values in types.items()},
    )


def resample(
    counts: Mapping[Cell, CountsOfCell],
    protocol: Protocol,
    metric: str = "mIoU",
    *,
    resamples: int = 1000,
    seed: int = 0,
    pictures: Sequence[str] = (),
) -> Resampled:
    """The scores of a model in every draw of the pictures; arguments and errors as of :func:`bootstrap`.

    Args:
        counts: Cell -> its counts per picture.
        protocol: Which cells.
        metric: Which metric.
        resamples: How many times the set is drawn.
        seed: Of the draws.
        pictures: Take the pictures in this order, so that the same ones are drawn for two models; that of the clean
            cell by default.

    Raises:
        SummaryError: The model was judged on other pictures than these.
    """
    resamples = whole_number("resamples", resamples, 2)
    weights: NDArray[np.uint16] | None = None
    scores: dict[Cell, NDArray[np.float64]] = {}
    names: tuple[str, ...] = ()
    truth: NDArray[np.int64] = np.zeros((0, 0), np.int64)
    for cell, found, of_pictures in _aligned(counts, protocol, pictures=pictures):
        if weights is None:
            weights = _weights(len(found), resamples, seed)
            names, truth = of_pictures, found[..., 0] + found[..., 2]
        apart = scores and kind_of(cell).other_pictures  # which have nothing to do with those of the first cell
        own = _weights(len(found), resamples, [seed, len(scores)]) if apart else weights
        scores[cell] = _resampled_scores(found, own, metric)
    clean = scores.pop(protocol.reference)
    if not np.all(clean > 0):
        raise SummaryError("The clean score of some resamples is 0 or not defined; the set is too small for intervals.")
    rising = sorted(protocol.cells, key=lambda cell: cell.severity)
    by_corruption = {
        name: np.mean([scores[cell] for cell in rising if cell.corruption == name], axis=0)
        for name in protocol.corruptions
    }
    corrupted = np.mean(list(by_corruption.values()), axis=0)
    whole = {"clean": clean[0], "corrupted": corrupted[0], "retention": corrupted[0] / clean[0]}
    return Resampled(
        pictures=names,
        truth=truth,
        clean=clean[1:],
        by_corruption={name: values[1:] for name, values in by_corruption.items()},
        corrupted=corrupted[1:],
        whole={name: float(value) for name, value in whole.items()},
    )


def summarize_pictures(
    counts: Mapping[Cell, CountsOfCell],
    protocol: str | Mapping[str, Any] | Protocol,
    present: Present = "truth",
) -> PictureSummary:
    """The image-level mIoU and its worst decile, clean and corrupted.

    Args:
        counts: Cell -> its counts per picture; the clean cell and all of the protocol.
        protocol: As in :func:`mmfan.evaluation.protocol.get_protocol`.
        present: As in :func:`mmfan.evaluation.metrics.counts.image_level`.

    Raises:
        MissingCellsError: Cells have no counts.
        SummaryError: The cells are not of the same pictures, or the clean score is 0.
    """
    wanted = get_protocol(protocol)
    levels = {cell: image_level(found, present) for cell, found, _ in _aligned(counts, wanted, least=1)}
    clean = levels.pop(wanted.reference)
    if clean.mean == 0:
        raise SummaryError("The clean image-level mIoU is 0, so that there is no retention.", [wanted.reference])
    means = {cell: level.mean for cell, level in levels.items()}
    corrupted = average_cells(means, wanted).over_types
    return PictureSummary(
        protocol=wanted.name,
        clean=clean.mean,
        corrupted=corrupted,
        retention=corrupted / clean.mean,
        worst_decile_clean=clean.worst_decile,
        worst_decile_corrupted=average_cells({cell: at.worst_decile for cell, at in levels.items()}, wanted).over_types,
        by_corruption={
            name: average_cells(
                {cell: score for cell, score in means.items() if cell.corruption == name}, wanted
            ).over_types
            for name in wanted.corruptions
        },
    )


def _aligned(
    counts: Mapping[Cell, CountsOfCell], protocol: Protocol, least: int = 2, pictures: Sequence[str] = ()
) -> Iterable[tuple[Cell, Counts, tuple[str, ...]]]:
    """The counts of one cell after another, the clean one first, all in the order of ``pictures``, with their names.

    Without names to go by, in the order of the clean cell's.
    """
    cells = (protocol.reference, *protocol.cells)
    missing = [cell for cell in cells if cell not in counts]
    if missing:
        raise MissingCellsError(f"No counts per picture of the cells {listed(missing)}.", missing)
    first: PictureCounts | None = None
    for cell in cells:
        found = _read(counts[cell])
        if first is None:
            if len(found.counts) < least:
                raise SummaryError(f"Expected the counts of {least} or more pictures, got {len(found.counts)}.", [cell])
            first = _in_the_order(found, pictures) if pictures else found
        if found is not first and kind_of(cell).other_pictures:
            order = np.argsort(np.array(found.pictures))  # the same for two models
            yield cell, found.counts[order], tuple(found.pictures[place] for place in order)
        else:
            yield cell, _in_order_of(first, found, cell), first.pictures


def _in_the_order(found: PictureCounts, pictures: Sequence[str]) -> PictureCounts:
    if set(found.pictures) != set(pictures) or len(found.pictures) != len(pictures):
        odd = sorted(set(found.pictures) ^ set(pictures))
        raise SummaryError(
            f"Expected counts of the same pictures of both models, got those of {len(found.counts)} and of "
            f"{len(pictures)} pictures{f'; not in both: {odd[0]}' if odd else ''}.",
            [CLEAN],
        )
    place = {name: index for index, name in enumerate(found.pictures)}
    return PictureCounts(found.counts[[place[name] for name in pictures]], tuple(pictures), found.classes)


def _read(entry: CountsOfCell) -> PictureCounts:
    found = entry() if callable(entry) else entry
    return found if isinstance(found, PictureCounts) else PictureCounts(check_counts(found), ())


def _in_order_of(first: PictureCounts, found: PictureCounts, cell: Cell) -> Counts:
    if first.counts.shape != found.counts.shape or set(first.pictures) != set(found.pictures):
        odd = sorted(set(first.pictures) ^ set(found.pictures))
        raise SummaryError(
            f"{cell} was not judged on the pictures and classes of the clean cell: {_size(found)} instead of "
            f"{_size(first)}{f'; not in both: {odd[0]}' if odd else ''}. Judge both on the same pictures.",
            [cell],
        )
    if first.pictures == found.pictures:
        return found.counts
    place = {name: index for index, name in enumerate(found.pictures)}
    return found.counts[[place[name] for name in first.pictures]]


def _size(found: PictureCounts) -> str:
    pictures, classes, _ = found.counts.shape
    return f"{counted(pictures, 'picture')} of {counted(classes, 'class', 'classes')}"


def _weights(pictures: int, resamples: int, seed: int | Sequence[int]) -> NDArray[np.uint16]:
    """The set itself, each picture once, then the draws: (1 + resamples, pictures)."""
    return np.concatenate([np.ones((1, pictures), np.uint16), _draws(pictures, resamples, seed)])


def _draws(pictures: int, resamples: int, seed: int | Sequence[int]) -> NDArray[np.uint16]:
    """How often each picture is in each resample: (resamples, pictures), each row adding up to ``pictures``."""
    generator = np.random.default_rng(seed)
    draws = np.empty((resamples, pictures), np.uint16)
    for row in draws:
        row[:] = np.bincount(generator.integers(0, pictures, pictures), minlength=pictures)
    return draws


def _resampled_scores(counts: Counts, weights: NDArray[np.uint16], metric: str) -> NDArray[np.float64]:
    """The score of each resample, (resamples,)."""
    pictures, classes, _ = counts.shape
    flat = counts.reshape(pictures, classes * 3).astype(np.float64)
    scores = []
    for start in range(0, len(weights), _RESAMPLES_AT_ONCE):
        # whole numbers far below 2**53: the products are exact in any order, so the machine makes no difference
        sums = weights[start : start + _RESAMPLES_AT_ONCE].astype(np.float64) @ flat
        scores.append(score_of_sums(sums.reshape(-1, classes, 3), metric, "truth"))
    return np.concatenate(scores)


def interval_of(confidence: float, values: NDArray[np.float64]) -> Interval:
    """The ends between which this share of the values lies, as much left out below as above."""
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))
