"""Units of work: which picture is made ready under which cell, and what else is needed for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmfan.corruptions.cell import Cell
from mmfan.evaluation.conditions.change import Others, change_of
from mmfan.evaluation.function.sources.items import Item, Preparation, Unit
from mmfan.evaluation.function.sources.sources import Chosen


class Units:
    """The units of cells.

    Args:
        cells: All that are wanted.
        items: The pictures.
        preparation: What makes them ready.
    """

    def __init__(self, cells: Sequence[Cell], items: Chosen, preparation: Preparation) -> None:
        self.cells, self.items, self.preparation = cells, items, preparation
        self._others = Others(items.names)

    def of(self, number: int, place: int) -> Unit:
        """The picture of a place under the cell of a number."""
        cell, kept_at = self.cells[number], self.items.start + place
        change = change_of(cell, None)
        if change is None:
            return Unit(number, kept_at, cell.pictures, self._item(place, cell.pictures))
        seed = change.seed_of(self.preparation.seed, self.items.names[place])
        others = self._others.of(place, seed, change.others)
        return Unit(number, kept_at, cell, self._item(place, cell.pictures), tuple(self._with_place(others, cell)))

    def _with_place(self, places: Sequence[int], cell: Cell) -> Iterator[tuple[int, Item]]:
        return ((self.items.start + place, self._item(place, cell.pictures)) for place in places)

    def _item(self, place: int, cell: Cell) -> Item:
        kept = self.preparation.item_kept(self.items.start + place, self.items.names[place])
        return kept or self.items.under(place, cell)
