"""Worker processes that report every finished file at once.

Not an executor of the standard library, because those report a unit of work when all of it is done, and a unit here is
up to a hundred files. Workers are started from a clean process (never forked from this one, whose threads OpenCV and
numba may have started) and end by themselves when this process is gone.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import cv2

from mmfan.datasets.corrupted.making.worker import Message, Settings, Unit, make_unit
from mmfan.errors import MMFanError

READY = None
STOP_SECONDS = 30.0


class WorkerDiedError(MMFanError, RuntimeError):
    """A worker process ended before its work did."""


def run_units(
    units: Iterable[Unit], settings: Settings, workers: int, imports: Sequence[str] = (), preload: Sequence[str] = ()
) -> Generator[Message, None, None]:
    """Make all units and yield the messages of :func:`~mmfan.datasets.corrupted.making.worker.make_unit` as they come.

    Closing the generator stops the work; each worker finishes the file it is at.

    Args:
        units: What to make.
        settings: What is the same for all.
        workers: Number of processes. With 1, this process does the work itself.
        imports: Modules that workers import first: those that register a user's own corruptions.
        preload: Modules that are imported once and shared by all workers, to save their time.

    Raises:
        WorkerDiedError: A worker was killed.
    """
    if workers == 1:
        with _one_thread():
            for unit in units:
                yield from make_unit(unit, settings)
        return
    yield from _run_in_workers(iter(units), settings, workers, tuple(imports), list(preload))


@contextmanager
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _run_in_workers(
    units: Iterator[Unit], settings: Settings, workers: int, imports: tuple[str, ...], preload: list[str]
) -> Iterator[Message]:
    context = _context(preload)
    processes: dict[Connection, Any] = {}
    try:
        for _ in range(workers):
            unit = next(units, None)
            if unit is None:
                break
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, settings, imports), daemon=True)
            process.start()
            theirs.close()
            processes[ours] = process
            _send(ours, process, unit)
        busy = set(processes)
        while busy:
            for connection in cast(list[Connection], wait(list(busy))):
                message = _receive(connection, processes[connection])
                if message is not READY:
                    yield message
                    continue
                unit = next(units, None)
                if unit is None:
                    busy.discard(connection)
                else:
                    _send(connection, processes[connection], unit)
    finally:
        for connection in processes:
            connection.close()  # a worker that waits ends at once, one at work after its file
        for process in processes.values():
            process.join(STOP_SECONDS)
            if process.is_alive():
                process.kill()


def _context(preload: list[str]) -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *preload])
    return context


def _receive(connection: Connection, process: Any) -> Any:
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError) as error:
        raise _died(process) from error


def _send(connection: Connection, process: Any, unit: Unit) -> None:
    try:
        connection.send(unit)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise _died(process) from error


def _died(process: Any) -> WorkerDiedError:
    process.join(STOP_SECONDS)
    return WorkerDiedError(
        f"A worker process ended with exit code {process.exitcode}; if it is -9, perhaps for want of memory. What was "
        "finished is kept: run it again, with fewer workers."
    )


def work(connection: Connection, settings: Settings, imports: tuple[str, ...]) -> None:
    """What a worker process does: make unit after unit until the other end of the connection is closed.

    Args:
        connection: Gives units and takes messages, and :data:`READY` after each unit.
        settings: What is the same for all units.
        imports: Modules to import first.
    """
    # Ctrl-C is the business of the process that hands out the work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    for module in imports:
        import_module(module)
    try:
        while True:
            for message in make_unit(connection.recv(), settings):
                connection.send(message)
                if connection.poll():  # nothing is sent to a worker at work: the other end was closed
                    return
            connection.send(READY)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
