"""Kill a command again and again at random moments, then compare what it left with an undisturbed run.

    python tests/reliability/kills.py set --kills 50 --seed 0
    python tests/reliability/kills.py all --kills 50

A run is started, killed (SIGKILL mostly, some SIGTERM and SIGINT), and started again until it ends by itself; then the
next round begins in an empty folder. After every kill nothing may be half written under its final name and no process
may be left; after every round the result must be that of the undisturbed run: bytes of sets, manifests and miniatures,
records of results apart from times and versions, weights and moments of a training bit by bit. Exit status 1 where
something differs. POSIX only; needs psutil. Counted are kills that met a living process.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the helpers of the tests

from reliability.subjects import SUBJECTS, Subject, import_all

SIGNALS = (signal.SIGKILL,) * 6 + (signal.SIGTERM,) * 2 + (signal.SIGINT,) * 2
LONGEST = 600.0  # seconds of a run
GONE_WITHIN = 10.0  # seconds in which the processes of a killed run must have ended


class Run:
    """A command at work, in a session of its own.

    Args:
        arguments: Of mmfan.
        log: Gets what it prints.
        fresh: Start an interpreter; else fork this process, which has imported everything, and save seconds a kill.
    """

    def __init__(self, arguments: list[str], log: Path, fresh: bool) -> None:
        self.log = log
        with open(log, "ab") as stream:
            if fresh:
                command = [sys.executable, "-m", "mmfan", *arguments]
                self.pid = subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True).pid
            else:
                self.pid = os.fork()
                if self.pid == 0:
                    _become(arguments, stream.fileno())

    def wait(self, seconds: float) -> int | None:
        """The exit status (negative: the signal that ended it), or None if it still runs after so long."""
        end = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= end:
                return None
            time.sleep(0.002)

    def send(self, number: int) -> None:
        """Send a signal: Ctrl-C to all of its processes, as a terminal does, any other to the command alone."""
        if number == signal.SIGINT:
            os.killpg(self.pid, number)
        else:
            os.kill(self.pid, number)

    def left(self) -> list[str]:
        """Processes of the run that are still there some seconds after its end; they are ended."""
        end = time.monotonic() + GONE_WITHIN
        while (found := self._processes()) and time.monotonic() < end:
            time.sleep(0.02)
        for process in found:
            process.kill()
        return [f"process {process.pid} was left" for process in found]

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (ProcessLookupError, PermissionError, psutil.Error):
                continue
        return found


def _become(arguments: list[str], stream: int) -> None:
    """Turn this forked process into ``mmfan ...``; it never returns."""
    status = 1
    try:
        os.setsid()
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, signal.default_int_handler if kind == signal.SIGINT else signal.SIG_DFL)
        sys.argv = ["mmfan", *arguments]
        from mmfan.cli import main

        status = main()
    except SystemExit as stopped:
        status = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:  # noqa: BLE001 - a forked process must not run on into the script's own code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class Trials:
    """The kills of one subject.

    Args:
        name: For messages.
        subject: What is killed.
        home: A folder for inputs and outputs.
        seed: Decides moments and signals.
        fresh: As in :class:`Run`.
    """

    def __init__(self, name: str, subject: Subject, home: Path, seed: int, fresh: bool) -> None:
        self.name, self.subject, self.home, self.fresh = name, subject, home, fresh
        self.rng = random.Random(f"{seed}/{name}")
        self.hits: Counter[str] = Counter()
        self.problems: list[str] = []
        self.rounds = self.missed = 0

    def reference(self) -> None:
        """Run twice undisturbed; how long the second takes, with all caches warm, is the range of the moments."""
        (self.home / "input").mkdir()
        self.subject.prepare(self.home / "input")
        self.expected = self._undisturbed("first")
        start = time.monotonic()
        if self._undisturbed("second") != self.expected:
            raise SystemExit(f"{self.name}: two undisturbed runs differ.")
        self.seconds = time.monotonic() - start

    def _undisturbed(self, name: str) -> dict[str, object]:
        target = self._target(name)
        run = self._start(target)
        status = run.wait(LONGEST)
        if status != 0:
            raise SystemExit(f"{self.name}: an undisturbed run ended with {status}:\n{run.log.read_text()[-3000:]}")
        return self.subject.result(target)

    def round(self, kills: int) -> None:
        """Kill runs into one folder until one ends by itself, or there were so many kills; then let one end."""
        target = self._target(f"round-{self.rounds}")
        self.rounds += 1
        while True:
            run = self._start(target)
            number = self.rng.choice(SIGNALS)
            moment = self.rng.uniform(0.02, 1.0) * self.seconds
            status = run.wait(moment if self.hits.total() < kills else LONGEST)
            if status is not None:
                self.missed += self.hits.total() < kills
                break
            run.send(number)
            status = run.wait(60.0)
            name = signal.Signals(number).name
            if status is None:
                self.problems.append(f"{name} did not end it within a minute")
                os.killpg(run.pid, signal.SIGKILL)
                run.wait(10.0)
            self.hits[name] += 1
            self.problems += [f"{name} after {moment:.2f} s: {found}" for found in self._after(run, target)]
        if status != 0:
            self.problems.append(f"a run that was not killed ended with {status}: {run.log.read_text()[-1500:]}")
            return
        self.problems += run.left()
        result = self.subject.result(target)
        if result != self.expected:
            unlike = [key for key in {*result, *self.expected} if result.get(key) != self.expected.get(key)]
            self.problems.append(f"round {self.rounds}: another result than undisturbed: {sorted(unlike)[:5]}")

    def _after(self, run: Run, target: Path) -> list[str]:
        return run.left() + [f"half written: {name}" for name in self.subject.half_written(target, self.expected)]

    def _target(self, name: str) -> Path:
        target = self.home / name / "out"
        target.mkdir(parents=True)
        return target

    def _start(self, target: Path) -> Run:
        return Run(self.subject.command(self.home / "input", target), target.parent / "log.txt", self.fresh)


def kill_all(name: str, kills: int, seed: int, fresh: bool) -> list[str]:
    """All kills of one subject; prints a line, returns the problems."""
    with tempfile.TemporaryDirectory(prefix=f"mmfan-kills-{name}-") as home:
        trials = Trials(name, SUBJECTS[name], Path(home), seed, fresh)
        trials.reference()
        start = time.monotonic()
        while trials.hits.total() < kills and len(trials.problems) < 5:
            trials.round(kills)
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(trials.hits.items()))
        print(
            f"{name}: {trials.hits.total()} kills ({kinds}), {trials.rounds} rounds, {len(trials.problems)} problems; "
            f"an undisturbed run takes {trials.seconds:.1f} s; {trials.missed} times it was quicker than the kill; "
            f"{time.monotonic() - start:.0f} s",
            flush=True,
        )
        for problem in trials.problems:
            print(f"  {problem}", flush=True)
        return trials.problems


def main() -> int:
    """Parse, kill, print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("subject", choices=(*SUBJECTS, "all"))
    parser.add_argument("--kills", type=int, default=50, help="that meet a living process, of each (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="start an interpreter for each run instead of forking")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if not args.fresh:
        import_all()
    wanted = tuple(SUBJECTS) if args.subject == "all" else (args.subject,)
    problems = [problem for name in wanted for problem in kill_all(name, args.kills, args.seed, args.fresh)]
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
