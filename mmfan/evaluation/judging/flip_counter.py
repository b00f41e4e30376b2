"""Flips between the cells of a run: predictions of a severity, held until those of the next one come.

Label maps are held compressed, those of the clean pictures and of one severity at a time: 10 to 40 KB a picture.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions import beside_of, family_of, kind_of, reference_of
from mmfan.evaluation.metrics.flips import Flips, count_flips


def steps_of(cells: Sequence[Cell]) -> dict[int, int]:
    """Number of a cell -> number of the one that it is a step from: the next lower severity of its type, or the clean.

    Cells of other pictures (real weather) are a step from nothing.

    Raises:
        MMFanError: A severity comes before a lower one of its type.

    >>> steps_of([Cell("clean", 0), Cell("fog", 1), Cell("fog", 3), Cell("snow", 2)])
    {1: 0, 2: 1, 3: 0}
    """
    place = {cell: number for number, cell in enumerate(cells)}
    found = {}
    for number, cell in enumerate(cells):
        clean = (cell.corruption, cell.severity) == CLEAN or cell == reference_of(cell)
        if clean or kind_of(cell).other_pictures:
            continue
        own = (cell.corruption, family_of(cell))
        lower = [one for one in cells if (one.corruption, family_of(one)) == own and one.severity < cell.severity]
        start = beside_of(cell)
        before = max(lower, key=lambda one: one.severity, default=start if start in place else reference_of(cell))
        if before not in place:
            continue
        if place[before] > number:
            raise MMFanError(
                f"Flips are counted from one severity to the next: {before} must be judged before {cell}. Give the "
                "severities of a type in rising order."
            )
        found[number] = place[before]
    return found


class _Packed(NamedTuple):
    """A compressed label map."""

    content: bytes
    shape: tuple[int, ...]
    kind: str


def _pack(labels: NDArray[np.integer]) -> _Packed:
    small = labels.astype(np.min_scalar_type(int(labels.max(initial=0)))) if labels.min(initial=0) >= 0 else labels
    return _Packed(zlib.compress(np.ascontiguousarray(small).tobytes(), 1), small.shape, small.dtype.str)


def _unpack(packed: _Packed) -> NDArray[np.integer]:
    return np.frombuffer(zlib.decompress(packed.content), packed.kind).reshape(packed.shape)


class FlipCounter:
    """Counts the pixels that change class from one cell to the next, of one process.

    Args:
        cells: Those of the run.

    Attributes:
        steps: As :func:`steps_of`: which cells have to be judged, again if need be, before which.

    Raises:
        MMFanError: As :func:`steps_of`, or no cell is a step from another.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.steps: Mapping[int, int] = steps_of(cells)
        if not self.steps:
            raise MMFanError(
                "Flips are counted from one severity to the next on the same pictures, and of this run's cells none is "
                "such a step: leave `flips` out, or ask for a protocol of corruptions beside."
            )
        self._last_use = {before: number for number, before in sorted(self.steps.items())}
        self._held: dict[int, dict[int | str, _Packed]] = {}
        self._number, self._found = 0, Flips(0, 0)

    def begin(self, number: int) -> None:
        """Told the number of the cell whose predictions follow."""
        self._number, self._found = number, Flips(0, 0)
        self._held = {at: held for at, held in self._held.items() if self._last_use.get(at, -1) >= number}
        self._held.pop(number, None)

    def add(self, picture: int | str, labels: NDArray[np.integer]) -> None:
        """Take in a prediction.

        Args:
            picture: Number or name of the picture, the same in every cell.
            labels: (H, W) class numbers.
        """
        before = self._held.get(self.steps.get(self._number, -1), {}).get(picture)
        if before is not None:
            self._found = self._found.plus(count_flips(_unpack(before), labels))
        if self._number in self._last_use:
            self._held.setdefault(self._number, {})[picture] = _pack(labels)

    def end(self) -> Flips | None:
        """The flips of the cell's predictions; None where it is a step from nothing."""
        return self._found if self._number in self.steps else None
