"""Making the corrupted forms of clean pictures, in this process or in several."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import corrupt, get_corruption, picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.corruptions.threads import one_thread
from mmfan.datasets.corrupted.codec import decode_picture, encode_picture, is_whole, picture_damage
from mmfan.datasets.corrupted.making.plan import Plan
from mmfan.errors import WorkerDiedError
from mmfan.utils.files import write_whole
from mmfan.utils.processes.children import end_with_parent

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# what the time of the work goes into
KINDS = ("decode", "corrupt", "encode", "hash", "disk")
# What ends the work: no other picture can be written either.
UNWRITABLE = (*DISK_FULL, errno.EROFS)
# What may go wrong with one picture without ending the others. A user's own corruption can raise any of them.
PICTURE_ERRORS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    cv2.error,
)


class Unit(NamedTuple):
    """Some corrupted forms of one clean picture.

    Attributes:
        picture: Index of the picture in the listing of the plan.
        cells: Which forms are to be made: indices in the cells of the plan.
    """

    picture: int
    cells: tuple[int, ...]


class Made(NamedTuple):
    """A corrupted picture is there, whole, under its final name.

    Attributes:
        picture: Index of the clean picture.
        cell: Index of the cell.
        digest: SHA-256 of the file.
        size: Its bytes.
        kept: Whether it was there already.
    """

    picture: int
    cell: int
    digest: str
    size: int
    kept: bool


class Failed(NamedTuple):
    """Something could not be made.

    Attributes:
        picture: Index of the clean picture.
        cell: Index of the cell; ``None`` if the clean picture itself cannot be used.
        reason: Why.
        forms: Number of corrupted pictures that this is the end of.
    """

    picture: int
    cell: int | None
    reason: str
    forms: int = 1


class Worker:
    """Makes units; it keeps the picture that it decoded last, for the units of one picture follow each other.

    Args:
        plan: What is made.
        spent: Seconds of work by kind (:data:`KINDS`), to which those of this worker are added.
    """

    def __init__(self, plan: Plan, spent: dict[str, float]) -> None:
        self.plan = plan
        self.spent = spent
        self._picture: int | None = None
        self._clean: NDArray[np.uint8] | None = None

    def make(self, unit: Unit) -> Iterator[Made | Failed]:
        """Make what a unit asks for; a file that is there and undamaged is kept.

        Yields:
            One message a form, or one :class:`Failed` for all that need the clean picture.

        Raises:
            OSError: The disk is full or cannot be written.
        """
        place = self.plan.listing.pictures[unit.picture].place
        for number, cell in enumerate(unit.cells):
            path = self.plan.folders[self.plan.cells[cell]] / place
            try:
                kept = self._keep(path)
                if kept is not None:
                    yield Made(unit.picture, cell, *kept, kept=True)
                    continue
            except OSError as error:
                yield Failed(unit.picture, cell, f"{path} cannot be read: {_reason(error)}")
                continue
            try:
                clean = self._decode(unit.picture)
            except PICTURE_ERRORS as error:
                yield Failed(unit.picture, None, _reason(error), forms=len(unit.cells) - number)
                return
            try:
                yield Made(unit.picture, cell, *self._make(unit.picture, cell, path, clean), kept=False)
            except PICTURE_ERRORS as error:
                if isinstance(error, OSError) and error.errno in UNWRITABLE:
                    raise
                yield Failed(unit.picture, cell, _reason(error))

    def _keep(self, path: Path) -> tuple[str, int] | None:
        """Hash and size of a file that is there although no manifest tells of it: its run was killed."""
        if not is_whole(path, self.plan.record.format):
            return None
        with self._timed("disk"):
            content = path.read_bytes()
        with self._timed("hash"):
            digest = None if picture_damage(content) else hashlib.sha256(content).hexdigest()
        return None if digest is None else (digest, len(content))

    def _decode(self, picture: int) -> NDArray[np.uint8]:
        if self._clean is None or picture != self._picture:
            with self._timed("disk"):
                content = Path(self.plan.listing.pictures[picture].path).read_bytes()
            with self._timed("decode"):
                self._clean, self._picture = decode_picture(content), picture
        return self._clean

    def _make(self, picture: int, cell: int, path: Path, clean: NDArray[np.uint8]) -> tuple[str, int]:
        """Make one file and return its hash and size."""
        record, (corruption, severity) = self.plan.record, self.plan.cells[cell]
        seed = picture_seed(record.seed, self.plan.listing.pictures[picture].name, corruption, severity)
        with self._timed("corrupt"):
            corrupted = corrupt(clean, corruption, severity, seed)
        with self._timed("encode"):
            content = encode_picture(corrupted, record.format, record.quality)
        with self._timed("hash"):
            digest = hashlib.sha256(content).hexdigest()
        with self._timed("disk"):
            write_whole(path, content, sync=False)  # a file that a power cut emptied is made again
        return digest, len(content)

    @contextmanager
    def _timed(self, kind: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spent[kind] += time.perf_counter() - start


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    return text if isinstance(error, (ValueError, OSError)) and text else f"{type(error).__name__}: {text}"


def _context(cells: Iterable[Cell]) -> Any:
    """How processes are started; those of a forkserver share what it imported, which saves their time."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    rooms = {get_corruption(cell.corruption).function.__module__ for cell in cells}
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *sorted(room for room in rooms if room.startswith("mmfan."))])
    return context


def _start_server() -> None:
    """Start the forkserver with Ctrl-C blocked, which it would otherwise not expect before it has imported all."""
    from multiprocessing import forkserver

    former = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait for the end of the block: a process that an executor is starting would get lost."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    came: list[int] = []
    former = {kind: signal.signal(kind, lambda kind, _: came.append(kind)) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in former.items():
            signal.signal(kind, handler or signal.SIG_DFL)
        for number in came:
            signal.raise_signal(number)


def run_units(
    worker: Worker, units: Iterator[Unit], workers: int, imports: Sequence[str]
) -> Generator[Made | Failed, None, None]:
    """Make all units and yield what became of each form.

    Closing the generator stops the work; each worker finishes the file it is at.

    Args:
        worker: What makes them, here or as a copy of its own in each process.
        units: The work.
        workers: Number of processes. With 1, this process does the work itself. More are started from a clean process,
            never forked from this one, whose threads OpenCV and numba may have started.
        imports: Modules that workers import first: those that register a user's own corruptions.

    Raises:
        WorkerDiedError: A worker was killed.
        OSError: The disk is full or cannot be written.
    """
    if workers == 1:
        with one_thread():
            for unit in units:
                yield from worker.make(unit)
        return
    context = _context(worker.plan.cells)
    stop = context.Event()
    if context.get_start_method() == "forkserver":
        _start_server()
    pool = ProcessPoolExecutor(workers, context, _start_worker, (worker, tuple(imports), stop))
    try:
        # a few ahead: a worker that is done finds the next unit waiting, and millions need no room
        with _signals_wait():
            pending = {pool.submit(_work, unit) for unit in islice(units, 2 * workers)}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            with _signals_wait():
                pending |= {pool.submit(_work, unit) for unit in islice(units, len(done))}
            for future in done:
                messages, seconds = future.result()
                for kind in KINDS:
                    worker.spent[kind] += seconds[kind]
                yield from messages
    except BrokenProcessPool as error:
        raise WorkerDiedError(
            "A worker process ended before its work did; perhaps it was killed for want of memory. What was finished "
            "is kept: run it again, with fewer workers."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


_worker: Worker  # of this process, if it is one of several
_stop: Any  # set when the work is to end


def _start_worker(worker: Worker, imports: tuple[str, ...], stop: Any) -> None:
    global _worker, _stop
    end_with_parent()  # an executor's own workers would wait for ever
    cv2.setNumThreads(1)
    for module in imports:
        import_module(module)
    _worker, _stop = worker, stop


def _work(unit: Unit) -> tuple[list[Made | Failed], dict[str, float]]:
    _worker.spent = dict.fromkeys(KINDS, 0.0)
    messages: list[Made | Failed] = []
    for message in _worker.make(unit):
        messages.append(message)
        if _stop.is_set():
            break
    return messages, _worker.spent
