"""Records of results: what one has to hold, and whose it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import ConditionError, cell_of, read_condition

Record = dict[str, Any]
# Entries of a record that a key takes as they are, in the order of its last fields.
RUN_HASHES = ("contents_hash", "truth_hash", "metric_hash", "precision")
MOST_SEVERE = 1000  # corruptions of users may have more than five severities; plots have one place for each


class ResultsError(MMFanError):
    """A record that is none, or a results file that cannot be read."""


class RunKey(NamedTuple):
    """What decides the scores of a run, beside the cell; None where a record does not say.

    Attributes:
        model: The name of the model.
        config_hash: Of what affects its predictions.
        checkpoint_hash: Of its weights.
        dataset: The name of the data set.
        seed: The base seed of the corruptions.
        pictures: Which pictures were judged: a hash of their list, or how many; the record's ``pictures``, or its
            ``limit`` where it has none.
        contents: Hash of the bytes of the clean pictures.
        truth: Hash of the labels or annotations.
        metric: Hash of the metric's arguments and of the classes.
        precision: What the model computed in: ``float32``, ``bfloat16`` or ``float16``.
    """

    model: str
    config_hash: str | None = None
    checkpoint_hash: str | None = None
    dataset: str = ""
    seed: int | None = None
    pictures: str | int | None = None
    contents: str | None = None
    truth: str | None = None
    metric: str | None = None
    precision: str | None = None

    @property
    def unchecked(self) -> bool:
        """Whether nothing says which pictures and labels the scores are of: records of versions before 0.2.0."""
        return self.contents is None and self.truth is None


def key_of(record: Mapping[str, Any]) -> tuple[RunKey, Cell]:
    """Whose record it is, and of which cell.

    Raises:
        ResultsError: It is no record; every problem is named.
    """
    check_record(record)
    pictures = record.get("pictures")
    run = RunKey(
        record["model"],
        record.get("config_hash"),
        record.get("checkpoint_hash"),
        record["dataset"],
        record.get("seed"),
        record.get("limit") if pictures is None else pictures,
        *(record.get(name) for name in RUN_HASHES),
    )
    return run, cell_of_record(record)


def cell_of_record(record: Mapping[str, Any]) -> Cell:
    """The cell of a record that has been checked."""
    pictures, condition = Cell(record["corruption"], record["severity"]), record.get("condition")
    return cell_of(pictures, None if condition is None else read_condition(condition))


def is_defined(score: float | None) -> TypeGuard[float]:
    """Whether a score is a number. What does not occur has none: None in a results file, NaN on the way there.

    >>> is_defined(0.0), is_defined(None), is_defined(float("nan"))
    (True, False, False)
    """
    return score is not None and not math.isnan(score)


def group_runs(records: Iterable[Record]) -> dict[RunKey, list[Record]]:
    """The records of each run, in the order in which the runs are met: one entry is what one summary is made of.

    Raises:
        ResultsError: One of them is no record.
    """
    runs: dict[RunKey, list[Record]] = {}
    for record in records:
        runs.setdefault(key_of(record)[0], []).append(record)
    return runs


def check_record(record: Any) -> None:
    """See that a record has what every record needs.

    Raises:
        ResultsError: It has not; every problem is named.
    """
    if not isinstance(record, Mapping):
        raise ResultsError(f"Expected a record, a dict, got {record!r:.80}.")
    problems = []
    for key in ("model", "dataset", "corruption"):
        if not isinstance(record.get(key), str) or not record[key]:
            problems.append(f"`{key}` must be a text that is not empty, got {record.get(key)!r:.80}")
    severity, corruption = record.get("severity"), record.get("corruption")
    if type(severity) is not int or not 0 <= severity <= MOST_SEVERE:
        problems.append(f"`severity` must be a whole number from 0 to {MOST_SEVERE}, got {severity!r:.80}")
    elif (severity == 0) != (corruption == CLEAN.corruption):
        problems.append(f"severity 0 is that of the clean pictures and theirs alone, got {corruption!r} {severity}")
    problems += [
        f"`{key}` must be {what}, got {record[key]!r:.80}"
        for key, (what, is_one) in _OPTIONAL.items()
        if record.get(key) is not None and not is_one(record[key])
    ]
    problems += _problems_of_metrics(record.get("metrics"))
    if record.get("condition") is not None:
        try:
            read_condition(record["condition"])
        except ConditionError as error:
            problems.append(str(error))
    if problems:
        raise ResultsError(f"This is no record of a result: {'; '.join(problems)}.")


def _problems_of_metrics(metrics: Any) -> list[str]:
    if not isinstance(metrics, Mapping) or not metrics:
        return [f'`metrics` must be a dict like {{"mIoU": 0.6123}}, got {metrics!r:.80}']
    return [
        f"metric {name!r:.80} must be a number and not infinite, got {value!r:.80}"
        for name, value in metrics.items()
        if not _is_score(value)
    ]


def _is_score(value: Any) -> bool:
    """Whether a value can stand for a score: a number that is not infinite, NaN, or None."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return value is None
    try:
        return not math.isinf(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _are_class_scores(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(scores, Mapping) and all(map(_is_score, scores.values())) for scores in value.values()
    )


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _is_overlap(value: Any) -> bool:
    return isinstance(value, Mapping) and "overlaps" in value and all(map(_is_list_of_texts, value.values()))


def _is_calibration(value: Any) -> bool:
    if not isinstance(value, Mapping) or not all(
        isinstance(value.get(key), Mapping) for key in ("scores", "reliability", "temperatures")
    ):
        return False
    columns = [value["reliability"].get(name) for name in ("count", "confidence", "right")]
    whole = all(isinstance(column, list) and all(type(one) is int for one in column) for column in columns)
    tried = [value["temperatures"].get(name, []) for name in ("T", "NLL", "ECE")]
    return (
        all(map(_is_score, value["scores"].values()))
        and type(value.get("one")) is int
        and whole
        and all(isinstance(column, list) and all(map(_is_score, column)) for column in tried)
        and len(set(map(len, columns))) == len(set(map(len, tried))) == 1
    )


def _are_flips(value: Any) -> bool:
    changed, compared = (value.get(key) if isinstance(value, Mapping) else None for key in ("changed", "compared"))
    return type(changed) is int and type(compared) is int and 0 <= changed <= compared


_NAMED = ("a text or a whole number", lambda value: isinstance(value, (str, int)))
# what else a record may have, and what that must be where it is there
_OPTIONAL: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("config_hash", "checkpoint_hash", "seed", "pictures", "limit", *RUN_HASHES), _NAMED),
    "per_class": ("a dict like {'IoU': {'car': 0.5}}", _are_class_scores),
    "classes": ("a list of names", _is_list_of_texts),
    "calibration": ("a dict like {'scores': {'ECE': 0.05}}", _is_calibration),
    "flips": ("a dict like {'changed': 10, 'compared': 600}", _are_flips),
    "counts": ("the name of a file", lambda value: isinstance(value, str)),
    "training_overlap": ("a dict like {'overlaps': ['fog'], 'added': ['fog']}", _is_overlap),
    "date": ("a text like 2026-11-29", lambda value: isinstance(value, str)),
    "versions": ("a dict of versions by name", lambda value: isinstance(value, Mapping)),
}


def plain_record(value: Any) -> Any:
    """The same in the types of strict JSON: numbers of NumPy as Python's, not-a-number as null, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): plain_record(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain_record(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain_record(item) for item in value]
    if isinstance(value, np.generic):
        return plain_record(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        if math.isinf(value):
            raise ResultsError("A record cannot hold an infinite number; leave the value out, or give NaN or None.")
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ResultsError(f"A record holds numbers, texts, lists and dicts; got {value!r:.80} of {type(value).__name__}.")
