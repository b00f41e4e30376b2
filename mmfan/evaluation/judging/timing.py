"""Time of an evaluation by activity: waiting, forward pass, metric, writing, loading, corrupting."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mmfan.utils.text import counted

# what the main process does, in the order of a batch
MAIN = ("wait", "forward", "metric", "write", "other")
# what the loading processes do at the same time
WORKERS = ("load", "corrupt", "steps")


class Shares:
    """Seconds by activity.

    ``wait`` is the time in which the model had nothing to do because no batch was ready; ``metric`` counts pixels and
    computes scores; ``write`` is the results file and pictures; ``load``, ``corrupt`` and ``steps`` (the other steps of
    the pipeline) pass in the loading processes while the model computes, except where there are none.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys((*MAIN, *WORKERS), 0.0)
        self.pictures = 0
        self._start = time.perf_counter()

    @contextmanager
    def measure(self, activity: str) -> Iterator[None]:
        """Count the time inside the context for ``activity``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[activity] += time.perf_counter() - start

    def add_notes(self, notes: Sequence[Any]) -> None:
        """Count what the loading processes noted of the samples of a batch (``load``, ``corrupt``, ``other``)."""
        self.pictures += len(notes)
        for note in notes:
            self.seconds["load"] += note.load
            self.seconds["corrupt"] += note.corrupt
            self.seconds["steps"] += note.other

    def finish(self) -> dict[str, float]:
        """Seconds by activity, with ``wall`` for all of it and ``other`` for what was not measured."""
        wall = time.perf_counter() - self._start
        known = sum(self.seconds[name] for name in MAIN if name != "other")
        return {**self.seconds, "other": max(0.0, wall - known), "wall": wall}


def describe_shares(seconds: Mapping[str, float], pictures: int, workers: int) -> str:
    """One or two lines on where the time went.

    Args:
        seconds: From :meth:`Shares.finish`.
        pictures: Number of pictures, corrupted forms counted each.
        workers: Number of loading processes.

    >>> print(
    ...     describe_shares(
    ...         dict(
    ...             wall=10.0, wait=1.0, forward=8.0, metric=0.5, write=0.1, other=0.4, load=2.0, corrupt=3.0, steps=1.0
    ...         ),
    ...         pictures=100,
    ...         workers=2,
    ...     )
    ... )
    10.0 s for 100 pictures: wait 10.0 %, forward 80.0 %, metric 5.0 %, write 1.0 %, other 4.0 %
    in 2 loading processes, ms a picture: load 20.0, corrupt 30.0, steps 10.0
    """
    wall = max(seconds["wall"], 1e-9)
    main = ", ".join(f"{name} {100 * seconds[name] / wall:.1f} %" for name in MAIN)
    each = ", ".join(f"{name} {1e3 * seconds[name] / max(pictures, 1):.1f}" for name in WORKERS)
    where = f"in {counted(workers, 'loading process', 'loading processes')}" if workers else "of which, within wait"
    return f"{seconds['wall']:.1f} s for {counted(pictures, 'picture')}: {main}\n{where}, ms a picture: {each}"
