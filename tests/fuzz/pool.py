"""Processes that take trials one by one under limits; one that dies is counted, and another takes its place."""

import contextlib
import faulthandler
import logging
import math
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
import traceback
import warnings
from collections.abc import Generator, Iterable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from fuzz.judged import FAILED, Outcome, judge_doors
from fuzz.targets import open_target

CPU_SECONDS = 20  # of one trial
WALL_SECONDS = 300.0  # where a trial waits for something and uses no processor
MEMORY = 2 << 30  # bytes that a worker may take beyond what it has when its first trial begins
MEGAPIXELS = "20"  # the limit of pictures that goes with that
PRELOADED = ["fuzz.targets.everything"]


class Job(NamedTuple):
    """One trial: the same three values make the same input."""

    target: str
    seed: int
    trial: int


class Result(NamedTuple):
    """What came of a trial, the seconds that it took, and the folder that holds its input."""

    job: Job
    outcome: Outcome
    seconds: float
    folder: Path


def random_of(job: Job) -> random.Random:
    """The numbers that decide a trial."""
    return random.Random(f"{job.seed}/{job.target}/{job.trial}")


class _Worker:
    """A process, its folder, and the job that it is at."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self.connection, other = context.Pipe()
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.process = context.Process(target=_serve, args=(other, str(folder), CPU_SECONDS))
        self.process.start()
        other.close()
        self.job: Job | None = None
        self.since = time.monotonic()

    def give(self, job: Job) -> None:
        self.job, self.since = job, time.monotonic()
        self.connection.send(job)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_jobs(jobs: Iterable[Job], workers: int, scratch: Path) -> Generator[Result, None, None]:
    """Run trials; results come as they are ready, each with the folder of its input until the next one is asked for.

    Args:
        jobs: In the order in which they are begun.
        workers: Number of processes.
        scratch: A folder for theirs.
    """
    with mock.patch.dict(
        os.environ, {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "MMFAN_MAX_MEGAPIXELS": MEGAPIXELS}
    ):  # which the workers inherit
        yield from _run(jobs, workers, scratch)


def _run(jobs: Iterable[Job], workers: int, scratch: Path) -> Generator[Result, None, None]:
    waiting = iter(jobs)
    pool: dict[int, _Worker] = {}
    try:
        for place in range(workers):
            job = next(waiting, None)
            if job is not None:
                pool[place] = _Worker(scratch / f"worker-{place}")
                pool[place].give(job)
        while pool:
            ready = set(wait([worker.connection for worker in pool.values()], timeout=1.0))
            for place, worker in list(pool.items()):
                late = time.monotonic() - worker.since > WALL_SECONDS
                if worker.connection not in ready and not late:
                    continue
                outcome, alive = _outcome_of(worker, late)
                assert worker.job is not None
                yield Result(worker.job, outcome, time.monotonic() - worker.since, worker.folder / "room" / "trial")
                job = next(waiting, None)
                if job is None or not alive:
                    pool.pop(place).end()
                if job is not None:
                    if not alive:
                        pool[place] = _Worker(scratch / f"worker-{place}")
                    pool[place].give(job)
    finally:
        for worker in pool.values():
            worker.end()


def _outcome_of(worker: _Worker, late: bool) -> tuple[Outcome, bool]:
    """What a worker says of its trial, or what its end says; and whether it goes on."""
    if not late:
        with contextlib.suppress(EOFError, ConnectionResetError):
            return worker.connection.recv(), True
    if late and worker.process.is_alive():
        worker.process.kill()
    worker.process.join()
    code = worker.process.exitcode
    died = signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
    if late:
        died = f"no answer within {WALL_SECONDS:g} s"
    elif code == -signal.SIGXCPU:
        died = f"more than {CPU_SECONDS} s of processor time"
    trace = (worker.folder / "faults.txt").read_text(errors="replace")
    return Outcome(FAILED, f"the process died: {died}\n{trace}"), False


def _serve(connection: Connection, folder: str, seconds: int) -> None:
    """Take trials until there are no more; in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    faults = open(os.path.join(folder, "faults.txt"), "w")  # noqa: SIM115 - open as long as the process
    faulthandler.enable(faults)
    _be_silent()
    trial = os.path.join(folder, "room", "trial")
    limited = False
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        target = open_target(job.target)
        shutil.rmtree(os.path.join(folder, "room"), ignore_errors=True)
        os.makedirs(trial)
        os.chdir(trial)
        try:
            target.make(random_of(job), Path(trial))
        except Exception:  # noqa: BLE001 - told as a failure, else nobody would see it
            connection.send(Outcome(FAILED, f"the fuzzer itself failed to make the input\n{traceback.format_exc()}"))
            continue
        if not limited:
            _limit_memory()
            limited = True
        faults.seek(0)
        faults.truncate()
        _limit_processor(seconds)
        outcome = judge_doors(target.doors(Path(trial)), trial)
        _limit_processor(None)
        connection.send(outcome)


def _be_silent() -> None:
    """What libraries print of each damaged file says nothing here."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = Path("/proc/self/statm")
    if pages.exists():  # on Linux; macOS has no limit that holds
        taken = int(pages.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))


def _limit_processor(seconds: int | None) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = resource.RLIM_INFINITY if seconds is None else math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
