"""Selection of the records that a summary is made of; those that would make a wrong one are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mmfan.corruptions.cell import Cell, listed
from mmfan.errors import MMFanError
from mmfan.evaluation.protocol import Protocol
from mmfan.evaluation.results.store import Record, RunKey, is_defined, key_of
from mmfan.utils.text import counted


class SummaryError(MMFanError):
    """The records cannot be summarised.

    Attributes:
        cells: The cells that are the reason, if any are.
    """

    def __init__(self, message: str, cells: Iterable[Cell] = ()) -> None:
        super().__init__(message)
        self.cells = tuple(cells)


class MissingCellsError(SummaryError):
    """Cells of the protocol have not been judged."""


class Selection(NamedTuple):
    """The records of one run that a protocol asks for.

    Attributes:
        run: The run.
        records: Cell -> its record; the clean cell first, then in the order of the protocol.
        missing: The cells without a record.
    """

    run: RunKey
    records: dict[Cell, Record]
    missing: tuple[Cell, ...]


def select(records: Iterable[Record], protocol: Protocol, *, partial: bool = False) -> Selection:
    """Take from the records of one run those that a protocol asks for.

    Raises:
        MissingCellsError: Some are missing, and ``partial`` was not asked for or there is no corrupted cell at all.
        SummaryError: There are no records, they are of several runs, or a cell has two that differ; or the protocol is
            of several families, which have no mean in common.
    """
    if len(protocol.families) > 1:
        raise SummaryError(
            f"{protocol.name!r} has cells of several families, and a mean over them says nothing: summarise one at a "
            f"time ({'; '.join(one.name for one in protocol.families)}), which `families` of the protocol has."
        )
    cells = (protocol.reference, *protocol.cells)
    wanted = set(cells)
    kept: dict[Cell, Record] = {}
    runs: dict[RunKey, None] = {}
    for record in records:
        run, cell = key_of(record)
        runs[run] = None
        if cell not in wanted:
            continue
        # of several runs there may well be two records of a cell; that they are several is said below
        if len(runs) == 1 and cell in kept and not _same_metrics(kept[cell], record):
            raise SummaryError(
                f"There are two records of {cell} for the model {run.model!r}, and they differ: "
                f"{kept[cell]['metrics']} and {record['metrics']}. Remove the wrong one from the results file.",
                [cell],
            )
        kept[cell] = record
    if not runs:
        raise SummaryError("There are no records to summarise.")
    if len(runs) > 1:
        raise SummaryError(f"The records are of {len(runs)} runs; summarise one at a time: {_differences(list(runs))}.")
    run = next(iter(runs))
    missing = tuple(cell for cell in cells if cell not in kept)
    there = len(kept) - (protocol.reference in kept)
    if missing and (not partial or not there):
        raise MissingCellsError(_missing_text(run, protocol, missing, there, partial), missing)
    return Selection(run, {cell: kept[cell] for cell in cells if cell in kept}, missing)


def _same_metrics(one: Record, other: Record) -> bool:
    """Whether two records agree; a score that is not a number agrees with another that is not."""
    if one["metrics"].keys() != other["metrics"].keys():
        return False
    pairs = ((value, other["metrics"][name]) for name, value in one["metrics"].items())
    return all(a == b or not (is_defined(a) or is_defined(b)) for a, b in pairs)


def _missing_text(run: RunKey, protocol: Protocol, missing: tuple[Cell, ...], there: int, partial: bool) -> str:
    held = f"{there} of the {counted(protocol.size, 'cell')} of {protocol.name!r} are there for the model {run.model!r}"
    cure = "judge them, ask for a partial summary, or take the protocol that the records were made with"
    if partial:
        cure = "judge a corrupted cell first"
    return f"{held}; missing: {listed(missing)}. To go on, {cure}."


def _differences(runs: list[RunKey]) -> str:
    """What tells the runs apart, part by part."""
    parts = []
    for place, name in enumerate(RunKey._fields):
        values = list(dict.fromkeys(str(run[place]) for run in runs))
        if len(values) > 1:
            parts.append(f"{name} is {' or '.join(values[:5])}{' ...' if len(values) > 5 else ''}")
    return "; ".join(parts)


def per_class_of(record: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """The scores per class of a record, metric -> class -> score; empty where there are none, or something else."""
    found = record.get("per_class")
    found = found if isinstance(found, Mapping) else {}
    return {metric: dict(scores) for metric, scores in found.items() if isinstance(scores, Mapping)}
