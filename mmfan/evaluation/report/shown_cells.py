"""Cells of a report whose pictures are shown, its conditions among them, and what each is called beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions import has_own_truth, kind_of
from mmfan.evaluation.protocol.definition import family_text
from mmfan.evaluation.report.contents import Report, Run
from mmfan.utils.text import spoken


class CellWords(NamedTuple):
    """What a cell is called.

    Attributes:
        row: What it has in common with the cells of other severities, or strengths: ``fog``, ``pgd``; empty for clean.
        step: What tells it from those: ``severity 3``, ``4 (radius in 1/255)``; of a cell without any its name.
        said: Both together.
    """

    row: str
    step: str
    said: str


CLEAN_WORDS = CellWords("", "clean", "clean")


def runs_with_pictures(report: Report) -> dict[int, Run]:
    """Place -> run, of those whose predictions can be told: models of one name in one file cannot."""
    runs = [model.run for model in report.models] or list(report.runs)
    places = [(run.results, run.key.model) for run in runs]
    return {at: run for at, run in enumerate(runs) if places.count(places[at]) == 1}


def cells_with_words(report: Report) -> dict[Cell, CellWords]:
    """The cells of the protocol and of the sections, in their order, without the clean one."""
    found = {cell: _of_protocol(cell) for cell in report.protocol.cells} if report.models else {}
    cells = (cell for section in report.sections for cell in section.protocol.cells)
    conditions = [cell for cell in dict.fromkeys(cells) if cell not in found and cell != CLEAN]
    names = Counter((_row(cell), cell.severity) for cell in conditions)
    ambiguous = {row for (row, _), count in names.items() if count > 1}  # two settings of one attack, say
    for cell in conditions:
        row = _row(cell)
        found[cell] = _of_condition(cell, f"{row} ({family_text(cell)})" if row in ambiguous else row)
    return found


def classes_of(runs: Iterable[Run]) -> list[str]:
    """Names of the classes, of the first record that has them; none where no record does."""
    records = (record for run in runs for record in run.records)
    return next((list(record["classes"]) for record in records if record.get("classes")), [])


def _of_protocol(cell: Cell) -> CellWords:
    row = spoken(cell.corruption)
    if cell.condition is not None and has_own_truth(cell):
        return CellWords(row, str(cell), str(cell))
    return _of_severity(cell, row)


def _row(cell: Cell) -> str:
    if cell.condition is None:  # beside a protocol of conditions, whose rows have the names of corruptions too
        return f"{spoken(cell.corruption)} as it is"
    return str(cell) if has_own_truth(cell) else spoken(cell.type_name)


def _of_condition(cell: Cell, row: str) -> CellWords:
    kind = kind_of(cell)
    if has_own_truth(cell) or kind.each:
        return CellWords(row, row, row)
    if cell.condition is None or not kind.strength:
        return _of_severity(cell, row)
    step = f"{cell.severity:g} ({kind.strength})"
    return CellWords(row, step, f"{row} {step}")


def _of_severity(cell: Cell, row: str) -> CellWords:
    step = f"severity {cell.severity}"
    return CellWords(row, step, f"{row}, {step}")
