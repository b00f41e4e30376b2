"""Going through the cells of a protocol with one model: what is there already, what comes next, where a score goes.

The core of judging. It knows nothing of models and frameworks: a driver takes the pictures of a cell through its model
and says what came out. :class:`mmfan.evaluation.loop.robustness_loop.RobustnessLoop` is the driver for mmengine's
Runner, :func:`mmfan.evaluation.function.judge_anything.judge` the one for anything that predicts.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.conditions import family_of, is_continual
from mmfan.evaluation.judging.outcome import fractions_of
from mmfan.evaluation.judging.records import check_corruption_versions, make_record, other_runs
from mmfan.evaluation.judging.timing import Shares, describe_shares
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.results.counts_file import PictureCounts
from mmfan.evaluation.results.store import Record, ResultsStore, RunKey, is_defined, key_of
from mmfan.evaluation.summary.selection import SummaryError
from mmfan.evaluation.summary.truth import values_of
from mmfan.utils.progress import progress_text
from mmfan.utils.text import duration

SECONDS_BETWEEN_LINES = 30.0
Result = TypeVar("Result")
# Does some work in one process, and hands its result to all that judge together.
Together = Callable[[Callable[[], Any]], Any]


def alone(work: Callable[[], Result]) -> Result:
    """Do the work: this process judges by itself."""
    return work()


class CellRun:
    """One model's way through the cells; each finished one is a line of the results file at once.

    Args:
        cells: All that are wanted, the clean one among them.
        store: The results file; None keeps nothing, and nothing can be resumed.
        key: What the records of the run have in common.
        pictures: Names of the pictures, in the order of the counts.
        packages: Modules whose versions stand in a record.
        more: What the records have beside the scores.
        logger: Told of every cell.
        together: Does what one of several processes has to do for all.
        progress: Told how many cells are done, and of how many.
        steps: Number of a cell -> number of the one whose predictions it is compared with: that is judged again where
            it is done and the other is not.
        others: Cell -> names of its pictures, where it is of other ones.

    Attributes:
        each: Given every record, those that were there first, and of these the clean one.
        shares: Where the time goes; for a driver to add to.
        seconds: The same when the run has ended.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        store: ResultsStore | None,
        key: RunKey,
        *,
        pictures: Sequence[str],
        packages: Sequence[str],
        logger: logging.Logger,
        more: Mapping[str, Any] | None = None,
        together: Together = alone,
        progress: Callable[[int, int], None] | None = None,
        steps: Mapping[int, int] | None = None,
        others: Mapping[Cell, Sequence[str]] | None = None,
    ) -> None:
        self.cells = tuple(cells)
        self.store = store
        self.key = key
        self.pictures = tuple(pictures)
        self.packages = tuple(packages)
        self.logger = logger
        self.more = dict(more or {})
        self.together = together
        self.progress = progress
        self.steps, self.others = dict(steps or {}), dict(others or {})
        self.each: Callable[[Record], None] | None = None
        self.shares = Shares()
        self.seconds: dict[str, float] = {}
        self._left_out: set[str] = set()

    def resumed(self, quietly: bool = False) -> list[Record]:
        """Records of this run that are in the results file, of the cells wanted.

        Args:
            quietly: Say nothing of records that are of this model and were measured otherwise.

        Raises:
            MMFanError: Some are of corruptions that have changed since.
        """
        return [] if self.store is None else self.together(lambda: self._resumed(quietly))

    def _resumed(self, quietly: bool) -> list[Record]:
        if self.store is None:
            return []
        records = self.store.records()
        others = other_runs(records, self.key, self.cells)
        if others and not quietly:
            self.logger.warning(f"{self.store.path} holds {others}: they stay, and are not taken over.")
        wanted = set(self.cells)
        own = [record for record in records if key_of(record)[0] == self.key and key_of(record)[1] in wanted]
        check_corruption_versions(own, str(self.store.path))
        return own

    def run(
        self,
        begin: Callable[[list[int]], None],
        judge: Callable[[int, int], CellScores | None],
        skip: Callable[[int], None],
        workers: int,
    ) -> list[Record]:
        """Judge the cells that are not in the results file yet.

        Args:
            begin: Told the numbers of the cells that are to be judged, before the first.
            judge: Takes the cell of a number, the so-many-th of this run, through the model; gives its scores, or None
                in a process that leaves them to another.
            skip: Told the number of a cell that another process has put into the results file meanwhile.
            workers: Number of the processes that make pictures ready, for the line on where the time went.

        Returns:
            The records, those that were there first.

        Raises:
            MMFanError: The scores are no fractions, or the results file cannot be used.
            OSError: The results file cannot be written.
        """
        records = self.resumed()
        done = {key_of(record)[1] for record in records}
        todo = self._todo(done)
        if done:
            self.logger.info(f"{len(done)} of {len(self.cells)} cells are in {self.store and self.store.path}.")
        self._hand_on(*sorted(records, key=lambda record: key_of(record)[1] != CLEAN))
        self.shares = Shares()
        begin(todo)
        start = time.perf_counter()
        for place, number in enumerate(todo):
            began = time.perf_counter()
            again = self.cells[number] in done  # its record stands; the cells after it need what it leaves behind
            # who skips it lacks what the next one starts from
            needed = again or is_continual(self.cells[number]) or number in self.steps.values()
            record = None if needed else self._judged_elsewhere(self.cells[number])
            if record is None:
                scores = judge(number, place)
                record = self._settled(self.cells[number], scores, began)
            else:
                skip(number)
            if not again:
                records.append(record)
                self._hand_on(record)
            seconds = time.perf_counter() - start
            self._report(
                record, len(self.cells) - len(todo) + place + 1, seconds / (place + 1) * (len(todo) - place - 1)
            )
        self.seconds = self.shares.finish()
        if todo:
            lines = describe_shares(self.seconds, self.shares.pictures, workers)
            self.logger.info(f"where the time went: {lines}")
        return records

    def _todo(self, done: set[Cell]) -> list[int]:
        """Numbers of the cells to judge: those that are not done, and done ones that these need.

        Of a family whose state goes on those before are needed, and the cells that others are compared with.
        """
        missing = [number for number, cell in enumerate(self.cells) if cell not in done]
        last = {family_of(self.cells[number]): number for number in missing if is_continual(self.cells[number])}
        again = {number for number, cell in enumerate(self.cells) if number < last.get(family_of(cell), 0)}
        again |= {self.steps[number] for number in missing if number in self.steps}
        return sorted(again | set(missing))

    def _hand_on(self, *records: Record) -> None:
        if self.each is not None:
            for record in records:
                self.each(record)

    def _judged_elsewhere(self, cell: Cell) -> Record | None:
        """The record of a cell that another process has put in the results file."""
        store = self.store
        if store is None:
            return None

        def find() -> Record | None:
            found = store.find(self.key, cell)
            check_corruption_versions([found] if found else [], str(store.path))
            return found

        return self.together(find)

    def _settled(self, cell: Cell, scores: CellScores | None, began: float) -> Record:
        """Put the cell that was just judged in the results file; another process' record stands."""

        def settle() -> Record:
            if scores is None:
                raise RuntimeError("the process that keeps the records got no scores")
            kept = self._kept(scores)
            with self.shares.measure("write"):
                seconds = time.perf_counter() - began
                record = make_record(self.key, cell, kept, seconds, self.packages, **self.more)
                if self.store is None:
                    return record
                counts = None
                if scores.counts is not None:
                    names = tuple(self.others.get(cell, self.pictures))
                    counts = PictureCounts(scores.counts, names, tuple(scores.classes))
                return self.store.settle(record, counts, scores.calibration)[0]

        return self.together(settle)

    def _kept(self, scores: CellScores) -> CellScores:
        """The scores of a cell that a record has; what is left out is said once a run."""
        kept = fractions_of(scores.metrics)
        errors = [name for name in scores.metrics if name not in kept and name not in self._left_out]
        if errors:
            self._left_out.update(errors)
            self.logger.warning(f"Left out of the records, as less of them is better: {', '.join(errors)}.")
        return dataclasses.replace(scores, metrics=kept)

    def _report(self, record: Record, done: int, left: float) -> None:
        cell = key_of(record)[1]
        name, value = next(iter(record["metrics"].items()))
        with suppress(SummaryError):
            value = values_of({cell: record}, name)[0][cell]  # as the report has it: over the classes of the truth
        score = f"{100 * value:.2f} %" if is_defined(value) else "not a number"
        self.logger.info(
            f"[{done}/{len(self.cells)}] {cell}: {name} {score}, {float(record.get('seconds') or 0):.1f} s"
            + (f", {duration(left)} left" if left else "")
        )
        if record.get("note"):
            self.logger.warning(f"{cell}: {record['note']}")
        if self.progress is not None:
            self.progress(done, len(self.cells))


class CellProgress:
    """Lines on how far a cell is, twice a minute: cells of large models take long.

    Args:
        what: What is counted.
        total: How many of them a cell has.
        say: Takes a line.
    """

    def __init__(self, what: str, total: int, say: Callable[[str], None]) -> None:
        self.what, self.total, self.say = what, total, say
        self._start = self._last = 0.0

    def __call__(self, cell: Cell, done: int) -> None:
        """Note that so many of the cell's are done; the first one starts its clock."""
        now = time.monotonic()
        if done == 1:
            self._start = self._last = now
        elif now - self._last > SECONDS_BETWEEN_LINES and done < self.total:
            self._last = now
            self.say(f"{cell}: {progress_text(self.what, done, self.total, now - self._start)}")
