"""Wall times of several pieces of work, side by side in one run.

The variants take turns (A B A B ...), so that a machine that slows down or is shared slows all of them alike, and the
ratio of two is taken round by round before its median.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from mmfan.utils.checks import whole_number

Work = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """Repeated measurements of one thing.

    Attributes:
        values: In the order they were taken; at least one.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value (the mean of the two middle ones of an even number)."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)


def wall_seconds(work: Work) -> float:
    """Seconds of one run on the CPU."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cuda_seconds(work: Work) -> float:
    """Seconds of one run on the current CUDA device, from event to event on its stream."""
    import torch  # here, so that what needs no torch can be timed without it

    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000  # from milliseconds


def time_alternately(
    works: Mapping[str, Work],
    repeats: int,
    warmup: int = 1,
    measure: Callable[[Work], float] = wall_seconds,
    on_run: Callable[[str, float], None] | None = None,
) -> dict[str, Spread]:
    """Run every work ``warmup`` times unmeasured, then ``repeats`` rounds of each in turn.

    Args:
        works: What to run, by name.
        repeats: Measured rounds.
        warmup: Unmeasured rounds before them.
        measure: Runs a work and returns its seconds.
        on_run: Called with name and seconds after each measured run, to show progress.

    Returns:
        Seconds by name; the i-th values of all names are of the same round.

    Raises:
        MMFanError: Where ``repeats`` is below 1 or ``warmup`` below 0.
    """
    whole_number("repeats", repeats, 1)
    whole_number("warmup", warmup, 0)
    for _ in range(warmup):
        for work in works.values():
            work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            gc.collect()  # outside the measurement, so that no form pays for the other's rubbish
            seconds[name].append(measure(work))
            if on_run is not None:
                on_run(name, seconds[name][-1])
    return {name: Spread(tuple(values)) for name, values in seconds.items()}


def round_ratios(numerator: Spread, denominator: Spread) -> Spread:
    """The ratio of two works in each round.

    Raises:
        MMFanError: Where the numbers of rounds differ.
    """
    return Spread(tuple(a / b for a, b in zip(numerator.values, denominator.values, strict=True)))
