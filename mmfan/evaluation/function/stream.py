"""Stream of pictures made ready by worker processes, in order, no further ahead than a few pictures."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from types import TracebackType

from mmfan.corruptions import BUILT_IN, Corruption, get_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import MMFanError
from mmfan.evaluation.function.sources.items import Preparation, Ready, Unit
from mmfan.evaluation.function.worker import Worker, make_here
from mmfan.utils.resources import default_workers

AHEAD = 3  # pictures that each worker has before it, or ready


def workers_beside_model() -> int:
    """Workers by default: all cores but one, which is left to the model; 0 where there can be none."""
    return default_workers(os.environ, left=1) if os.name == "posix" else 0


class Workers:
    """Worker processes, or this process alone; to be used as a context, at whose end they are gone.

    Args:
        preparation: What they do.
        cells: Which corruptions they need.
        count: How many; with 0 this process does the work, when it is asked for.
        ahead: How many pictures may be ready or in work at a time.

    Raises:
        MMFanError: A corruption of one's own cannot be handed to another process, or this system cannot start them.
    """

    def __init__(self, preparation: Preparation, cells: Iterable[Cell], count: int, ahead: int) -> None:
        if count and os.name != "posix":
            raise MMFanError("Worker processes need Linux or macOS: judge with workers=0.")
        self.preparation, self.count, self.ahead = preparation, count, max(ahead, 2 * count)
        self._all: list[Worker] = []
        self._added = _added(cells)

    def __enter__(self) -> Workers:
        try:
            for _ in range(self.count):
                self._all.append(Worker(self.preparation, self._added))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for worker in self._all:
            worker.end()

    def make(self, units: Iterator[Unit]) -> Iterator[tuple[Unit, Ready]]:
        """Make units ready, in their order: the workers take turns, for the pictures of a cell cost about the same.

        Raises:
            MMFanError: A picture cannot be read or corrupted; the message names it and the cell.
        """
        if not self.count:
            for unit in units:
                yield unit, make_here(self.preparation, unit)
            return
        turns = cycle(self._all)
        pending: deque[tuple[Unit, Worker]] = deque()
        while True:
            for unit in islice(units, self.ahead - len(pending)):
                worker = next(turns)
                worker.ask(unit)
                pending.append((unit, worker))
            if not pending:
                return
            first, worker = pending.popleft()
            yield first, worker.answer(first)


def _added(cells: Iterable[Cell]) -> Sequence[Corruption]:
    names = dict.fromkeys(cell.pictures.corruption for cell in cells if cell.pictures != CLEAN)
    return [get_corruption(name) for name in names if name not in BUILT_IN]
