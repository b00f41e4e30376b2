"""Making a corrupted set: taken up where it was left, the same bytes however it is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mmfan.corruptions import get_corruption
from mmfan.datasets.corrupted.making.journal import Entry, Journal, journal_path
from mmfan.datasets.corrupted.making.lock import ShardLock
from mmfan.datasets.corrupted.making.merge import Merge, clear_journals, merge, sweep_shard
from mmfan.datasets.corrupted.making.plan import Plan, Survey, check_target, free_space, survey
from mmfan.datasets.corrupted.making.pool import run_units
from mmfan.datasets.corrupted.making.worker import (
    DISK_FULL,
    CellFolder,
    DiskFull,
    Failed,
    Made,
    Message,
    Settings,
    Spent,
)
from mmfan.datasets.corrupted.record import claim_target
from mmfan.errors import MMFanError

SPACE_EVERY = 5.0  # seconds between two looks at the free space


class DiskFullError(OSError):
    """There is not enough room for the set."""


@dataclass
class Making:
    """What :func:`make_corrupted_set` did.

    Attributes:
        made: Number of corrupted pictures written.
        kept: Number of those that were there.
        size: Bytes written.
        failures: One sentence for each picture or folder that could not be used, naming it; sorted.
        merge: Which cells are complete.
        spent: Seconds of work, by kind.
    """

    made: int = 0
    kept: int = 0
    size: int = 0
    failures: list[str] = field(default_factory=list)
    merge: Merge = field(default_factory=Merge)
    spent: Spent = field(default_factory=Spent)


def make_corrupted_set(
    plan: Plan,
    *,
    workers: int = 1,
    imports: Sequence[str] = (),
    check_space: bool = True,
    progress: Callable[[int, int], None] | None = None,
    remark: Callable[[str], None] | None = None,
) -> Making:
    """Make what is missing of a set.

    The files depend on the pictures, their names and the settings alone: not on the workers, the shards, the order, or
    on how often the making was interrupted. A picture that cannot be used does not stop the others.

    Args:
        plan: What to make; from :func:`~mmfan.datasets.corrupted.making.plan.make_plan`.
        workers: Number of processes. More than one are started as Python's ``multiprocessing`` does it: a script that
            calls this needs its ``if __name__ == "__main__":``.
        imports: Modules that register a user's own corruptions; workers import them first.
        check_space: Whether to compare the free space with an estimate first.
        progress: Called with the number of corrupted pictures done and to do.
        remark: Called with sentences that a person should read while it runs.

    Returns:
        What was made, kept and failed.

    Raises:
        BusyTargetError: Another run is making the same shard.
        DiskFullError: There is too little room, or was; what was made is whole and stays.
        MixedSetError: What is there was made with other settings.
        MMFanError: ``workers`` is not positive, or a record or manifest cannot be read.
        WorkerDiedError: A worker was killed.
    """
    if workers < 1:
        raise MMFanError(f"Expected `workers` to be at least 1, got {workers}.")
    say = remark if remark is not None else _ignore
    check_target(plan)  # before anything is written: a folder that must not be touched stays as it is
    label = f"{plan.shard.number}-of-{plan.shard.total}"
    try:
        with ShardLock(plan.target, plan.shard) as lock:
            sweep_shard(plan.target, plan.record, plan.cells, label)
            found = survey(plan, workers)
            if check_space:
                _check_space(plan, found)
            for text in claim_target(plan.target, plan.record, lock.token):
                say(text)
            done = Making(kept=found.kept, failures=list(plan.listing.problems))
            _make(plan, found, done, workers, imports, label, progress, say)
            done.merge = merge(plan.target, plan.record, plan.listing, plan.cells)
        clear_journals(plan.target, plan.record)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise DiskFullError(_full(plan, error.strerror or "no space left")) from error
        raise
    done.failures = sorted(done.failures + done.merge.problems)
    return done


def _ignore(_: str) -> None:
    pass


def _full(plan: Plan, reason: str) -> str:
    return (
        f"The disk of {plan.target} is full ({reason}). What was made is whole and is kept; make room and run the same "
        "command again."
    )


def _check_space(plan: Plan, found: Survey) -> None:
    free = free_space(plan.target)
    if found.size > free:
        raise DiskFullError(
            f"{found.count} pictures will take about {found.size / 1e9:.2f} GB; {plan.target} has {free / 1e9:.2f} GB "
            "free. Make room, ask for fewer corruptions or severities, or take jpeg.",
        )


def _make(
    plan: Plan,
    found: Survey,
    done: Making,
    workers: int,
    imports: Sequence[str],
    label: str,
    progress: Callable[[int, int], None] | None,
    say: Callable[[str], None],
) -> None:
    """Make the units, noting every file as it is finished."""
    cells = tuple(CellFolder(*cell, folder) for cell, folder in zip(plan.cells, plan.folders, strict=True))
    settings = Settings(cells, plan.record.seed, plan.record.format, plan.record.quality, label)
    rooms = {get_corruption(cell.corruption).function.__module__ for cell in plan.cells}
    preload = sorted(room for room in rooms if room.startswith("mmfan."))
    messages = run_units(found.units, settings, min(workers, len(found.units) or 1), imports, preload)
    through = 0
    space = _SpaceWatch(plan.target, found.count, say)
    with closing(Journal(journal_path(plan.target, plan.shard))) as journal, closing(messages):
        for message in messages:
            _take(plan, message, done, journal)
            if isinstance(message, (Made, Failed)):
                through += 1 if isinstance(message, Made) else message.forms
                if progress is not None:
                    progress(through, found.count)
                space(done)


def _take(plan: Plan, message: Message, done: Making, journal: Journal) -> None:
    if isinstance(message, Spent):
        done.spent.add(message)
    elif isinstance(message, DiskFull):
        raise DiskFullError(_full(plan, message.reason))
    elif isinstance(message, Made):
        cell = plan.cells[message.cell]
        version = get_corruption(cell.corruption).version
        place = plan.listing.pictures[message.picture].place
        journal.add(Entry(*cell, version, plan.listing.split, place, message.digest))
        if message.kept:
            done.kept += 1
        else:
            done.made += 1
            done.size += message.size
    else:
        path = plan.listing.pictures[message.picture].path
        of = "" if message.cell is None else f" for {plan.cells[message.cell]}"
        sentence = f"Cannot use {path}{of}: {message.reason}"
        if message.cell is not None or sentence not in done.failures:  # the units of one picture all say the same
            done.failures.append(sentence)


class _SpaceWatch:
    """Says once, while there is time, that the rest will not fit."""

    def __init__(self, target: Path, total: int, say: Callable[[str], None]) -> None:
        self.target, self.total, self.say = target, total, say
        self.last = time.monotonic()
        self.said = False

    def __call__(self, done: Making) -> None:
        """Compare the free space with the mean size so far, now and then."""
        now = time.monotonic()
        if self.said or not done.made or now - self.last < SPACE_EVERY:
            return
        self.last = now
        needed = (self.total - done.made) * done.size // done.made
        free = free_space(self.target)
        if needed > free:
            self.said = True
            self.say(f"The rest will take about {needed / 1e9:.2f} GB; {self.target} has {free / 1e9:.2f} GB free.")
