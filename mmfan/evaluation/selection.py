"""Picking from records the scores that a summary is made of, and refusing those that would make a wrong one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from mmfan.evaluation.protocol import CLEAN, Cell, Protocol
from mmfan.evaluation.results import Record, RunKey, key_of


class SummaryError(ValueError):
    """The records cannot be summarised.

    Attributes:
        cells: The cells that are the reason, if any are.
    """

    def __init__(self, message: str, cells: Iterable[Cell] = ()) -> None:
        super().__init__(message)
        self.cells = tuple(cells)


class MissingCellsError(SummaryError):
    """Cells of the protocol have not been judged."""


def scores_of_one_run(records: Iterable[Record], protocol: Protocol, metric: str) -> tuple[RunKey, dict[Cell, float]]:
    """The scores of the cells that a protocol asks for, the clean one among them, as far as they are there.

    Raises:
        SummaryError: See :func:`mmfan.evaluation.summary.summarize`.
    """
    wanted = {CLEAN, *protocol.cells}
    kept: dict[Cell, Record] = {}
    runs: dict[RunKey, None] = {}
    for record in records:
        run, cell = key_of(record)
        runs[run] = None
        if cell in kept and not _same_metrics(kept[cell], record):
            raise SummaryError(
                f"There are two records of {cell} for the model {run.model!r}, and they differ: "
                f"{kept[cell]['metrics']} and {record['metrics']}. Remove the wrong one from the results file.",
                [cell],
            )
        if cell in wanted:
            kept[cell] = record
    if not runs:
        raise SummaryError("There are no records to summarise.")
    if len(runs) > 1:
        raise SummaryError(f"The records are of {len(runs)} runs; summarise one at a time: {_differences(list(runs))}.")
    return next(iter(runs)), _values(kept, metric)


def _same_metrics(one: Record, other: Record) -> bool:
    """Whether two records agree; a score that is not a number agrees with another that is not."""
    if one["metrics"].keys() != other["metrics"].keys():
        return False
    pairs = ((value, other["metrics"][name]) for name, value in one["metrics"].items())
    return all(a == b or (_undefined(a) and _undefined(b)) for a, b in pairs)


def _undefined(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _values(records: Mapping[Cell, Record], metric: str) -> dict[Cell, float]:
    without = [cell for cell, record in records.items() if metric not in record["metrics"]]
    if without:
        there = sorted({name for record in records.values() for name in record["metrics"]})
        raise SummaryError(
            f"No {metric!r} in the records of {_listed(without)}; there are {', '.join(there)}.", without
        )
    values = {cell: record["metrics"][metric] for cell, record in records.items()}
    undefined = [cell for cell, value in values.items() if _undefined(value)]
    if undefined:
        raise SummaryError(f"{metric} is not a number in the cells {_listed(undefined)}; judge them again.", undefined)
    outside = [cell for cell, value in values.items() if not 0 <= value <= 1]
    if outside:
        raise SummaryError(
            f"{metric} must be a fraction from 0 to 1, got {values[outside[0]]} in the cells {_listed(outside)}; "
            "divide percentages by 100.",
            outside,
        )
    return {cell: float(value) for cell, value in values.items()}


def missing_cells_text(
    run: RunKey, protocol: Protocol, missing: tuple[Cell, ...], there: list[Cell], partial: bool
) -> str:
    """What to say of the cells that are missing, and how to go on."""
    counted = f"{len(there)} of the {protocol.size} cells of {protocol.name!r} are there for the model {run.model!r}"
    cure = (
        "judge a corrupted cell first"
        if partial
        else "judge them, ask for a partial summary, or take the protocol they were made with"
    )
    return f"{counted}; missing: {_listed(missing)}. To go on, {cure}."


def _differences(runs: list[RunKey]) -> str:
    """What tells the runs apart, part by part."""
    parts = []
    for place, name in enumerate(RunKey._fields):
        values = list(dict.fromkeys(str(run[place]) for run in runs))
        if len(values) > 1:
            parts.append(f"{name} is {' or '.join(values[:5])}{' ...' if len(values) > 5 else ''}")
    return "; ".join(parts)


def _listed(cells: Iterable[Cell]) -> str:
    """Cells in few words: the severities of a type together."""
    rows: dict[str, list[int]] = {}
    for cell in cells:
        rows.setdefault(cell.corruption, []).append(cell.severity)
    return ", ".join(
        name if name == CLEAN.corruption else f"{name} {'/'.join(map(str, sorted(row)))}" for name, row in rows.items()
    )


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean of at least one number, summed without rounding on the way."""
    listed = list(values)
    return math.fsum(listed) / len(listed)
