"""Calibration of one run over a protocol: what its confidence is worth on clean pictures, and on corrupted ones.

Scores are averaged as those of accuracy are, over the severities of a type, then over the types. There is no retention:
lower is better for most of them, and a ratio of errors says nothing where the clean one is small. What is compared with
the loss of accuracy is the loss of confidence: a model *knows* what it loses where its confidence falls as much as its
accuracy does.

A temperature divides the logits of all classes. It is fitted on the clean pictures, as the one of
:data:`~..metrics.calibration.calibration.TEMPERATURES` with the lowest NLL, and carried to the corrupted ones as it
is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record, is_defined
from mmfan.evaluation.summary.averages import mean
from mmfan.evaluation.summary.selection import SummaryError, select
from mmfan.utils.text import counted

Scores = dict[str, float | None]
LEAST_LOSS = 0.005  # of accuracy, below which nothing is said of how much of it is known


@dataclass(frozen=True)
class Tempered:
    """What the temperature of the clean pictures does, on the pixels that temperatures are tried on.

    Attributes:
        temperature: Of the lowest NLL on the clean pictures.
        at_edge: It is the lowest or the highest that was tried.
        clean: NLL and ECE of the clean pictures, at the temperature 1 (``NLL``, ``ECE``) and at this (``NLL_T``,
            ``ECE_T``).
        corrupted: The same of the corrupted ones.
    """

    temperature: float
    at_edge: bool
    clean: Scores
    corrupted: Scores


@dataclass(frozen=True)
class CalibrationSummary:
    """Calibration of one run; None stands for a score that is not defined in some cell.

    Attributes:
        of: ``'pixels'`` or ``'boxes'``.
        clean: Scores of the clean pictures, with ``accuracy`` and ``confidence``.
        corrupted: Means over severities, then over types.
        by_corruption: Type -> means over its severities.
        reliability_clean: (bins, 3): pixels, mean confidence and share of right ones of each bin, as fractions.
        reliability_corrupted: The same over all corrupted cells together.
        tempered: None for boxes.
        empty: Corrupted cells in which nothing was found, so that no confidence can be judged: the means are over the
            others, and a type that is empty throughout has no scores.
    """

    of: str
    clean: Scores
    corrupted: Scores
    by_corruption: dict[str, Scores]
    reliability_clean: NDArray[np.float64]
    reliability_corrupted: NDArray[np.float64]
    tempered: Tempered | None = None
    empty: tuple[Cell, ...] = ()

    @property
    def known(self) -> float | None:
        """The confidence lost / the accuracy lost, over the types that lose any; see :func:`known_share`.

        Types that gain accuracy are left out: what they lose of confidence would count as known loss of the others.
        """
        losing = [one for one in self.by_corruption.values() if known_share(self.clean, one) is not None]
        return known_share(self.clean, _means(losing)) if losing else None

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types of JSON."""
        curves = {
            what: {
                name: [float(value) if np.isfinite(value) else None for value in table[:, at]]
                for at, name in enumerate(("count", "confidence", "right"))
            }
            for what, table in (("clean", self.reliability_clean), ("corrupted", self.reliability_corrupted))
        }
        tempered = self.tempered
        return {
            "of": self.of,
            "clean": self.clean,
            "corrupted": self.corrupted,
            "known": self.known,
            "by_corruption": {
                name: {**scores, "known": known_share(self.clean, scores)}
                for name, scores in self.by_corruption.items()
            },
            "reliability": curves,
            "empty": [str(cell) for cell in self.empty],
            "temperature": tempered
            and {
                "value": tempered.temperature,
                "at_edge": tempered.at_edge,
                "clean": tempered.clean,
                "corrupted": tempered.corrupted,
            },
        }


def known_share(clean: Mapping[str, float | None], other: Mapping[str, float | None]) -> float | None:
    """How much of the loss of accuracy a model knows of: the confidence lost / the accuracy lost.

    1: the confidence falls as the accuracy does; 0: it does not fall; above 1: it falls more.

    Returns:
        The ratio; None where less than half a point of accuracy is lost, or something is not defined.

    >>> known_share({"accuracy": 0.9, "confidence": 0.9}, {"accuracy": 0.5, "confidence": 0.8})
    0.25
    """
    accuracy, confidence = (_difference(clean.get(name), other.get(name)) for name in ("accuracy", "confidence"))
    if accuracy is None or confidence is None or accuracy < LEAST_LOSS:
        return None
    return round(confidence / accuracy, 12)


def _difference(one: float | None, other: float | None) -> float | None:
    return one - other if is_defined(one) and is_defined(other) else None


def summarize_calibration(records: Iterable[Record], protocol: Protocol) -> CalibrationSummary | None:
    """Summarise the calibration of the records of one run.

    Args:
        records: Those of one run; cells that are not there are passed over, as in a partial summary.
        protocol: Which cells, and their types.

    Returns:
        None where no record has any.

    Raises:
        SummaryError: Some of the cells have none, the clean one among them, or they are not of one kind.
    """
    records = list(records)
    if not any(record.get("calibration") for record in records):
        return None
    clean = protocol.reference
    chosen = select(records, protocol, partial=True).records
    entries = {cell: record["calibration"] for cell, record in chosen.items() if record.get("calibration")}
    if not entries:
        return None
    lacking = [cell for cell in chosen if cell not in entries]
    if lacking or clean not in entries:
        what = counted(len(lacking), "cell") if lacking else "the clean cell"
        raise SummaryError(f"No calibration of {what}: judge all of them with it.", lacking)
    if len({(entry.get("of"), entry.get("one")) for entry in entries.values()}) > 1:
        raise SummaryError("The calibration of some cells is of pixels, of others of boxes.")
    scores = {cell: _scores_of(entry) for cell, entry in entries.items()}
    empty = [cell for cell, entry in entries.items() if cell != clean and not any(entry["reliability"]["count"])]
    by_corruption = {
        name: _means([scores[cell] for cell in scores if cell.corruption == name and cell not in (clean, *empty)])
        for name in dict.fromkeys(cell.corruption for cell in scores if cell != clean)
    }
    return CalibrationSummary(
        of=str(entries[clean].get("of")),
        clean=scores[clean],
        corrupted=_means([found for found in by_corruption.values() if found]),
        by_corruption=by_corruption,
        reliability_clean=_reliability([entries[clean]]),
        reliability_corrupted=_reliability([entry for cell, entry in entries.items() if cell != clean]),
        tempered=_tempered(entries, clean),
        empty=tuple(empty),
    )


def _scores_of(entry: Mapping[str, Any]) -> Scores:
    found = {**entry["scores"], "accuracy": entry.get("accuracy"), "confidence": entry.get("confidence")}
    return {name: value if is_defined(value) else None for name, value in found.items()}


def _means(rows: list[Scores]) -> Scores:
    """The mean of each score; None where it is not defined in one of them, nothing where there are none."""
    found: Scores = {}
    for name in rows[0] if rows else ():
        values = [value for row in rows if is_defined(value := row.get(name))]
        found[name] = mean(values) if len(values) == len(rows) else None
    return found


def _reliability(entries: list[Mapping[str, Any]]) -> NDArray[np.float64]:
    """The bins of several cells together: the sums are whole numbers and add up."""
    tables = [[one["reliability"][name] for name in ("count", "confidence", "right")] for one in entries]
    count, confidence, right = np.sum(np.array(tables, np.int64), axis=0).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.stack((count / max(count.sum(), 1), confidence / count / entries[0]["one"], right / count), axis=1)


def _tempered(entries: Mapping[Cell, Mapping[str, Any]], clean: Cell) -> Tempered | None:
    tried: dict[Cell, Mapping[str, Any]] = {cell: entry.get("temperatures") or {} for cell, entry in entries.items()}
    losses = tried[clean].get("NLL") or []
    if not all(tried.values()) or not all(map(is_defined, losses)):
        return None
    values = list(tried[clean]["T"])
    best, plain = int(np.argmin(losses)), values.index(1.0)

    def of_cell(cell: Cell) -> Scores:
        found = tried[cell]
        return {f"{name}{end}": found[name][at] for name in ("NLL", "ECE") for end, at in (("", plain), ("_T", best))}

    types: dict[str, list[Scores]] = {}
    for cell in tried:
        if cell != clean:
            types.setdefault(cell.corruption, []).append(of_cell(cell))
    corrupted = _means([_means(rows) for rows in types.values()])
    return Tempered(float(values[best]), best in (0, len(values) - 1), of_cell(clean), corrupted)
