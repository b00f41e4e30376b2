"""Classes that the truth holds, and scores averaged over them alone.

mmsegmentation averages an IoU over the classes that are in the truth *or* in the predictions. A class that no label
holds comes into the mean with an IoU of 0 as soon as one pixel is given to it, under one corruption and not under the
next: the mean is then over other classes than that of the clean pictures, and their ratio compares unlike things.
Records keep mmsegmentation's number. Summaries average the classes that the truth holds, the same in every cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mmfan.corruptions.cell import Cell, listed
from mmfan.evaluation.conditions import kind_of
from mmfan.evaluation.results.store import Record, is_defined
from mmfan.evaluation.summary.averages import mean
from mmfan.evaluation.summary.direction import LESS_IS_BETTER, less_is_better
from mmfan.evaluation.summary.selection import SummaryError, per_class_of
from mmfan.utils.text import shortlist

# A mean of a record -> the table of `per_class` that it is the mean of.
TABLES = {
    "mIoU": "IoU",
    "mAcc": "Acc",
    "mDice": "Dice",
    "mFscore": "Fscore",
    "mPrecision": "Precision",
    "mRecall": "Recall",
}
# Recall is tp / (tp + fn): a number exactly where the truth holds the class.
RECALLS = ("Acc", "Recall")


class Classes(NamedTuple):
    """The classes of a data set.

    Attributes:
        held: Those that its truth holds, in the order of the set.
        named: How many it names in all.
    """

    held: tuple[str, ...]
    named: int

    def __str__(self) -> str:
        return f"{len(self.held)} of {self.named} classes"


def classes_of(record: Mapping[str, Any], prefix: str = "") -> Classes | None:
    """The classes that the truth holds, as far as a record says: from its recalls.

    Args:
        record: A record.
        prefix: What stands before the names of its scores, with the ``/``.
    """
    tables = per_class_of(record)
    for name in RECALLS:
        recalls = tables.get(f"{prefix}{name}")
        if recalls:
            return Classes(tuple(one for one, value in recalls.items() if is_defined(value)), len(recalls))
    return None


def classes_of_all(records: Mapping[Cell, Record], metric: str) -> Classes | None:
    """The classes that the truth of all cells holds; None for a metric without classes, or records without recalls.

    Raises:
        SummaryError: The cells were judged against other truths, or the truth holds no class.
    """
    prefix, _, name = metric.rpartition("/")
    if name not in TABLES:
        return None
    prefix = f"{prefix}/" if prefix else ""
    found = {cell: classes_of(record, prefix) for cell, record in records.items()}
    if None in found.values() or not found:
        return None
    first, *others = found.items()
    for cell, classes in others:
        if kind_of(cell).other_pictures:  # whose truth is their own
            continue
        if classes != first[1]:
            odd = sorted(set(classes.held if classes else ()) ^ set(first[1].held if first[1] else ()))
            raise SummaryError(
                f"The truth of {cell} holds other classes than that of {first[0]} ({shortlist(odd)}): their scores are "
                "of different labels. Judge all cells against the same.",
                [cell],
            )
    if first[1] and not first[1].held:
        raise SummaryError(
            f"The labels hold none of the {first[1].named} classes, so that there is no {metric}: check that they are "
            "those of the data set, and are not ignored as a whole."
        )
    return first[1]


def mean_over(record: Record, metric: str, classes: Classes) -> float:
    """A mean over classes of a record, taken over those that the truth holds.

    Where those are the ones that the record's own mean is over, it is that. Precision and F-score of a class that is
    in the truth and nowhere found are 0 / 0; they count as 0 here: the mean is over the same classes in every cell.

    Raises:
        SummaryError: The record has no scores per class of this metric.
    """
    prefix, slash, name = metric.rpartition("/")
    table = per_class_of(record).get(f"{prefix}{slash}{TABLES[name]}")
    if not table or set(classes.held) - set(table):
        raise SummaryError(
            f"The record of {record['corruption']} {record['severity']} has {metric} and no {TABLES[name]} by class."
        )
    defined = {one for one, value in table.items() if is_defined(value)}
    if defined == set(classes.held):
        return record["metrics"][metric]
    return mean(float(value) if is_defined(value := table[one]) else 0.0 for one in classes.held)


def _own_classes(cell: Cell, record: Record, metric: str) -> Classes | None:
    """The classes in the truth of a cell of other pictures; None for the others, which share theirs."""
    prefix, slash, _ = metric.rpartition("/")
    return classes_of(record, f"{prefix}{slash}") if kind_of(cell).other_pictures else None


def check_defined(values: Mapping[Cell, float | None], metric: str) -> None:
    """Check that a metric is a number in every cell.

    Raises:
        SummaryError: It is in none, for want of anything to score, or not in some, which can be judged again.
    """
    undefined = [cell for cell, value in values.items() if not is_defined(value)]
    if len(undefined) == len(values):
        raise SummaryError(
            f"{metric} is not defined in any cell: the truth holds nothing that it scores (no object, or none of that "
            "size; no pixel of any class). Check the annotations, or take another metric.",
            undefined,
        )
    if undefined:
        raise SummaryError(f"{metric} is not a number in the cells {listed(undefined)}; judge them again.", undefined)


def values_of(records: Mapping[Cell, Record], metric: str) -> tuple[dict[Cell, float], Classes | None]:
    """One metric of the records, over the classes that the truth holds.

    Returns:
        Cell -> score, a fraction; and the classes, None where the records do not say or the metric is no mean over
        classes: then the scores are those of the records.

    Raises:
        SummaryError: A record has it not, or it is not a number from 0 to 1; less of it is better; the truths of the
            cells differ.
    """
    without = [cell for cell, record in records.items() if metric not in record["metrics"]]
    if without:
        there = sorted({name for record in records.values() for name in record["metrics"]})
        raise SummaryError(f"No {metric!r} in the records of {listed(without)}; there are {', '.join(there)}.", without)
    if less_is_better(metric):
        raise SummaryError(f"Of {metric} {LESS_IS_BETTER}. Take another score of the records.")
    classes = classes_of_all(records, metric)
    if classes is None:
        values = {cell: record["metrics"][metric] for cell, record in records.items()}
    else:
        values = {
            cell: mean_over(record, metric, _own_classes(cell, record, metric) or classes)
            for cell, record in records.items()
        }
    check_defined(values, metric)
    outside = [cell for cell, value in values.items() if not 0 <= value <= 1]
    if outside:
        raise SummaryError(
            f"{metric} must be a fraction from 0 to 1, got {values[outside[0]]} in the cells {listed(outside)}; "
            "divide percentages by 100.",
            outside,
        )
    return {cell: float(value) for cell, value in values.items()}, classes
