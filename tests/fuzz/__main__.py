"""The command behind ``make fuzz``: so many trials over all targets, or one of them again.

    make fuzz                                                     10,000 trials with seed 0
    make fuzz TRIALS=300 SEED=7
    make fuzz ARGS="--target weights --seed 7 --trial 41"         one trial again

Exit status: 0 where every input was used or refused by name, 1 where one was not. The inputs of failures, and what was
raised, lie in work_dirs/fuzz/TARGET-SEED-TRIAL/.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from fuzz.judged import ACCEPTED, FAILED, REFUSED
from fuzz.pool import Job, Result, run_jobs
from fuzz.targets import SHARES

SHOWN = 20  # failures that are printed; all are kept


def plan(trials: int, seed: int, only: str | None = None) -> Iterator[Job]:
    """The trials of a run, the targets in turn, each as often as its share says."""
    shares = {only: 1} if only else SHARES
    done: Counter[str] = Counter()
    for number in range(1, trials + 1):
        # the one that lags most behind its share
        target = max(shares, key=lambda name: shares[name] * number / sum(shares.values()) - done[name])
        yield Job(target, seed, done[target])
        done[target] += 1


class Tally:
    """What came of the trials so far, and what was kept of the failures.

    Args:
        keep: The folder that gets their inputs.
    """

    def __init__(self, keep: Path) -> None:
        self.keep = keep
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: Counter[str] = Counter()
        self.slowest: dict[str, tuple[float, int]] = {}
        self.failures: list[Result] = []

    @property
    def trials(self) -> int:
        return sum(map(sum, (counts.values() for counts in self.counts.values())))

    def add(self, result: Result) -> None:
        """Count a trial; a failure is printed, and its input kept."""
        target = result.job.target
        self.counts[target][result.outcome.kind] += 1
        self.seconds[target] += result.seconds
        self.slowest[target] = max(self.slowest.get(target, (0.0, 0)), (result.seconds, result.job.trial))
        if result.outcome.kind == FAILED:
            self.failures.append(result)
            self._keep(result)

    def _keep(self, result: Result) -> None:
        job = result.job
        folder = self.keep / f"{job.target}-{job.seed}-{job.trial}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(result.folder, folder, symlinks=True)
        (folder / "failure.txt").write_text(result.outcome.text, errors="backslashreplace")
        if len(self.failures) <= SHOWN:
            lines = result.outcome.text.strip().splitlines()
            said = f"{lines[0]} ... {lines[-1]}" if len(lines) > 1 else lines[0]
            print(
                f"\nFAILED {job.target}, trial {job.trial}: {said:.400}\n  the input is in {folder}; again with: make "
                f'fuzz ARGS="--target {job.target} --seed {job.seed} --trial {job.trial}"',
                flush=True,
            )

    def table(self) -> str:
        """One line a target."""
        lines = [
            f"{'target':<14}{'trials':>8}{ACCEPTED:>10}{REFUSED:>10}{FAILED:>8}{'seconds':>10}{'slowest (trial)':>18}"
        ]
        total: Counter[str] = Counter()
        for target, counts in self.counts.items():
            total += counts
            lines.append(self._row(target, counts, self.seconds[target], *self.slowest[target]))
        lines.append(self._row("all", total, sum(self.seconds.values())))
        return "\n".join(lines)

    @staticmethod
    def _row(name: str, counts: Counter[str], seconds: float, slowest: float = 0.0, trial: int | None = None) -> str:
        last = "" if trial is None else f"{slowest:.1f} ({trial})"
        kinds = f"{counts[ACCEPTED]:>10}{counts[REFUSED]:>10}{counts[FAILED]:>8}"
        return f"{name:<14}{counts.total():>8}{kinds}{seconds:>10.0f}{last:>18}"


def run(jobs: Iterator[Job] | list[Job], workers: int, keep: Path, minutes: float = 0.0) -> tuple[Tally, bool]:
    """Run trials, at most for some minutes (0: as long as they take); whether all were run."""
    tally, start, whole = Tally(keep), time.monotonic(), True
    said = start
    with tempfile.TemporaryDirectory(prefix="mmfan-fuzz-") as scratch:
        results = run_jobs(jobs, workers, Path(scratch))
        try:
            for result in results:
                tally.add(result)
                now = time.monotonic()
                if now - said > 15:
                    said = now
                    print(f"{tally.trials} trials, {len(tally.failures)} failures, {now - start:.0f} s", flush=True)
                if minutes and now - start > 60 * minutes:
                    whole = False
                    break
        except KeyboardInterrupt:
            whole = False
        finally:
            results.close()
    return tally, whole


def main() -> int:
    """Parse, run, print; the exit status."""
    parser = argparse.ArgumentParser("make fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000, help="over all targets (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=tuple(SHARES), help="this target alone")
    parser.add_argument("--trial", type=int, help="this trial of --target alone")
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    parser.add_argument("--minutes", type=float, default=30.0, help="stop after so long (%(default)s)")
    parser.add_argument("--keep", type=Path, default=Path("work_dirs/fuzz"), help="inputs of failures (%(default)s)")
    args = parser.parse_args()
    if args.trial is not None and args.target is None:
        parser.error("--trial needs --target")
    jobs = plan(args.trials, args.seed, args.target)
    start = time.monotonic()
    if args.trial is not None:
        jobs = iter([Job(args.target, args.seed, args.trial)])
    tally, whole = run(jobs, args.workers, args.keep.absolute(), args.minutes)
    seconds = time.monotonic() - start
    print(f"\n{tally.table()}\n")
    print(f"{tally.trials} trials, seed {args.seed}, {seconds / 60:.1f} minutes, {len(tally.failures)} failures")
    if not whole:
        print("Stopped before all trials were run.")
    if args.trial is not None and tally.failures:
        print(f"\n{tally.failures[0].outcome.text}")
    return 1 if tally.failures else 0 if whole else 130


if __name__ == "__main__":
    sys.exit(main())
