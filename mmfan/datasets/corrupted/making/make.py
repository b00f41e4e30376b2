"""Making a corrupted set: taken up where it was left, the same bytes however it is made."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mmfan.corruptions.frost import texture_folder
from mmfan.datasets.corrupted.clean_hashes import CleanHashes
from mmfan.datasets.corrupted.layout import cell_folder
from mmfan.datasets.corrupted.making.lock import shard_lock
from mmfan.datasets.corrupted.making.plan import Plan
from mmfan.datasets.corrupted.making.survey import Survey, survey
from mmfan.datasets.corrupted.making.worker import DISK_FULL, KINDS, Failed, Made, Worker, run_units
from mmfan.datasets.corrupted.manifest import Ledger, Merge
from mmfan.datasets.corrupted.record import claim_target
from mmfan.datasets.corrupted.verify import cells_there
from mmfan.utils.checks import whole_number

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
        spent: Seconds of work, summed over the workers, by kind: decode, corrupt, encode, hash, disk.
    """

    made: int = 0
    kept: int = 0
    size: int = 0
    failures: list[str] = field(default_factory=list)
    merge: Merge = field(default_factory=Merge)
    spent: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))


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
        OSError: ``plan.target`` cannot be written.
        FileNotFoundError: Frost is to be made, and its textures are not installed.
        MixedSetError: What is there was made with other settings, or from clean pictures that were replaced since.
        MMFanError: ``workers`` is not positive, or a record or manifest cannot be read.
        WorkerDiedError: A worker was killed.
    """
    workers = whole_number("workers", workers, 1)
    say = remark if remark is not None else _ignore
    found = survey(plan)  # before anything is written: a folder that must not be touched stays as it is
    if check_space and found.size > free_space(plan.target):
        raise DiskFullError(
            f"{found.count} pictures will take about {found.size / 1e9:.2f} GB; {plan.target} has "
            f"{free_space(plan.target) / 1e9:.2f} GB free. Make room, ask for fewer corruptions or severities, or take "
            "jpeg."
        )
    if any(plan.cells[cell].corruption == "frost" for _, cells in found.missing for cell in cells):
        texture_folder()  # that they are missing is said once and now, not for every picture
    try:
        with shard_lock(plan.target, plan.shard, say):
            hashes = _note_clean(plan, found, say)  # before the record: who finds a set finds its notes
            for text in (*found.remarks, *(claim_target(plan.target, plan.record) if found.is_new else ())):
                say(text)
            done = _make(plan, found, workers, imports, progress, say)
            hashes.merge()
            return done
    except OSError as error:
        if error.errno in DISK_FULL:
            raise DiskFullError(
                f"The disk of {plan.target} is full ({error.strerror}). What was made is whole and is kept; make room "
                "and run the same command again."
            ) from error
        raise


def _note_clean(plan: Plan, found: Survey, say: Callable[[str], None]) -> CleanHashes:
    """Note the hashes of the clean pictures of this shard, and compare those that are noted."""
    pictures = plan.listing.pictures
    hashes = CleanHashes(plan.target, plan.listing.split, pictures, plan.shard.label)
    cells = set() if found.is_new else cells_there(plan.target, plan.listing)
    folders = [cell_folder(plan.target, plan.record.layout, *cell) for cell in cells]
    places = {pictures[index].name: pictures[index].place for index in plan.own}
    remark = hashes.note(
        {pictures[index].name: pictures[index].path for index in plan.own},
        begun=bool(cells),
        has_forms=lambda name: any((folder / places[name]).exists() for folder in folders),
    )
    if remark is not None:
        say(remark)
    return hashes


def _ignore(_: str) -> None:
    pass


def _make(
    plan: Plan,
    found: Survey,
    workers: int,
    imports: Sequence[str],
    progress: Callable[[int, int], None] | None,
    say: Callable[[str], None],
) -> Making:
    """Make the units, noting every file as it is finished, and write the manifests of the cells that are complete."""
    done = Making(kept=found.kept, failures=list(plan.listing.problems))
    workers = max(1, min(workers, found.count))
    worker = Worker(plan, done.spent)
    through, next_look = 0, time.monotonic() + SPACE_EVERY
    with found.ledger, closing(run_units(worker, found.units(workers), workers, imports)) as messages:
        for message in messages:
            if time.monotonic() > next_look:
                next_look += SPACE_EVERY if _has_space(plan, found, done, say) else float("inf")
            through += _take(plan, message, done, found.ledger)
            if progress is not None:
                progress(through, found.count)
    done.merge = found.ledger.merge()
    done.failures = sorted(done.failures + done.merge.problems)
    return done


def _take(plan: Plan, message: Made | Failed, done: Making, ledger: Ledger) -> int:
    """Take in one message; returns the number of corrupted pictures that it is the end of."""
    picture = plan.listing.pictures[message.picture]
    if isinstance(message, Made):
        ledger.note(plan.cells[message.cell], picture.place, message.digest)
        done.kept += message.kept
        done.made += not message.kept
        done.size += 0 if message.kept else message.size
        return 1
    of = "" if message.cell is None else f" for {plan.cells[message.cell]}"
    sentence = f"Cannot use {picture.path}{of}: {message.reason}"
    if message.cell is not None or sentence not in done.failures:  # the units of one picture all say the same
        done.failures.append(sentence)
    return message.forms


def _has_space(plan: Plan, found: Survey, done: Making, say: Callable[[str], None]) -> bool:
    """Compare the free space with what the mean size so far lets expect; says so if the rest will not fit."""
    needed = (found.count - done.made) * done.size // max(1, done.made)
    free = free_space(plan.target)
    if needed > free:
        say(f"The rest will take about {needed / 1e9:.2f} GB; {plan.target} has {free / 1e9:.2f} GB free.")
    return needed <= free


def free_space(target: Path) -> int:
    """Free bytes where ``target`` is or will be."""
    place = target.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
