"""Plain form against mmfan's, one workload: the same function first, then operations, memory and time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from mmfan.benchmark.floor import MachineRates, Operations, count_operations
from mmfan.benchmark.memory import MemoryNotMeasurable, MemoryUse, measure_memory
from mmfan.benchmark.timing import Spread, cuda_seconds, round_ratios, time_alternately, wall_seconds
from mmfan.benchmark.workload import FORMS, Form, Job, build_warm_work, build_work, check_same_function


@dataclass(frozen=True)
class Measurement:
    """One form of a workload.

    Attributes:
        seconds: Of each round.
        operations: Of one run.
        memory: Of one run in a fresh process; none where the system does not tell it.
    """

    seconds: Spread
    operations: Operations
    memory: MemoryUse | None

    @property
    def rate(self) -> float:
        """Operations a second, at the median time."""
        return self.operations.total / self.seconds.median

    def share_of_floor(self, rates: MachineRates) -> float:
        """Least time that its operations need at the machine's matrix-product rate over the median time: 1 is best."""
        return self.rate / rates.matmul


@dataclass(frozen=True)
class Comparison:
    """Both forms of a workload, measured in one run.

    Attributes:
        job: The workload.
        error: Largest relative error between the two forms.
        plain: The yardstick.
        mmfan: mmfan's form.
    """

    job: Job
    error: float
    plain: Measurement
    mmfan: Measurement

    @property
    def speed_up(self) -> Spread:
        """Time of the plain form over mmfan's, round by round; above 1 is faster."""
        return round_ratios(self.plain.seconds, self.mmfan.seconds)

    @property
    def memory_ratio(self) -> float | None:
        """Memory above start, mmfan's over the plain form's; below 1 is less."""
        if self.plain.memory is None or self.mmfan.memory is None or not self.plain.memory.above_start:
            return None
        return self.mmfan.memory.above_start / self.plain.memory.above_start


def compare(job: Job, repeats: int, say: Callable[[str], None] = lambda _: None) -> Comparison:
    """Measure both forms of a job.

    Args:
        job: The workload.
        repeats: Measured rounds.
        say: Receives a line of progress now and then.

    Raises:
        DifferentFunctionError: Where the forms do not compute the same: then nothing is measured.
        MemoryError: Where a form does not fit into memory.
    """
    say(f"{job.task} at {job.size}x{job.size}: comparing the two forms")
    error = check_same_function(job)
    say(f"{job.task}: same function, largest relative error {error:.1e}; measuring memory")
    memory = {form: _memory(job, form) for form in FORMS}
    say(f"{job.task}: counting operations")
    # the compiled form hides its operators from the counter; uncompiled it does the same products
    operations = {form: count_operations(build_work(replace(job, compiled=False), form)) for form in FORMS}
    works: dict[str, Callable[[], object]] = {form: build_work(job, form) for form in FORMS}
    seconds = time_alternately(
        works,
        repeats,
        warmup=2 if job.compiled else 1,  # a compiled training step settles in its second run
        measure=cuda_seconds if job.device == "cuda" else wall_seconds,
        on_run=lambda form, s: say(f"{job.task}: {form} {s:.3f} s"),
    )
    plain, ours = (Measurement(seconds[form], operations[form], memory[form]) for form in FORMS)
    return Comparison(job, error, plain, ours)


def _memory(job: Job, form: Form) -> MemoryUse | None:
    try:
        return measure_memory(partial(build_warm_work, job, form), job.device)
    except MemoryNotMeasurable:
        return None
