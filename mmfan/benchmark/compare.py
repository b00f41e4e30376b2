"""Comparison of the segmentor's two forms, plain and mmfan's, on one workload: function, operations, memory, time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from mmfan.benchmark.floor import MachineRates, Operations, count_operations
from mmfan.benchmark.machine import Machine
from mmfan.benchmark.memory import MemoryNotMeasurableError, MemoryUse, measure_memory
from mmfan.benchmark.page import Page
from mmfan.benchmark.timing import Spread, cuda_seconds, round_ratios, time_alternately, wall_seconds
from mmfan.benchmark.workload import FORMS, Form, Job, build_warm_work, build_work, check_same_function
from mmfan.utils.tables import Table

HEAD = (
    *("workload", "form", "seconds (range)", "speed-up (range)", "memory above start, MiB", "of plain"),
    *("GFLOP", "GFLOP/s", "share of floor"),
)


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
    except MemoryNotMeasurableError:
        return None


def comparison_page(comparisons: Sequence[Comparison], machine: Machine, rates: MachineRates) -> Page:
    """Workloads of one model, one row a form."""
    job, rounds = comparisons[0].job, comparisons[0].plain.seconds.values
    options = [
        name
        for name, on in (("torch.compile", job.compiled), (f"recompute={job.recompute!r}", job.recompute != "light"))
        if on
    ]
    name = "XL" if job.arch == "xlarge" else job.arch[0].upper()
    notes = (
        f"Its matrix-product rate ({'bfloat16' if job.amp else 'float32'}): {rates.matmul / 1e9:.0f} GFLOP/s; its "
        f"copy bandwidth: {rates.bandwidth / 1e9:.0f} GB/s.",
        f"Model: FAN-{name}-Hybrid + SegFormer head, {job.embed_dim} wide, {job.num_classes} classes, batch "
        f"{job.batch}, {'bfloat16 autocast' if job.amp else 'float32'}"
        f"{', mmfan with ' + ' and '.join(options) if options else ''}.",
        f"Largest relative error between the forms: {'; '.join(f'{c.job.task} {c.error:.1e}' for c in comparisons)}.",
        f"Medians and ranges of {len(rounds)} runs, the forms in turn.",
    )
    rows = tuple(row for comparison in comparisons for row in _rows(comparison, rates))
    figures = {"rates": rates, "comparisons": [_figures(comparison, rates) for comparison in comparisons]}
    return Page(machine, notes, (Table("", "", HEAD, rows, texts=2),), figures)


def _rows(comparison: Comparison, rates: MachineRates) -> list[tuple[str, ...]]:
    job, ratio, speed_up = comparison.job, comparison.memory_ratio, comparison.speed_up
    workload = f"{job.task} {job.size}x{job.size}"
    gain = f"{speed_up.median:.2f} ({speed_up.low:.2f}-{speed_up.high:.2f})"
    share = "-" if ratio is None else f"{ratio:.2f}"
    return [
        (workload, "plain", *_measured(comparison.plain, rates, "1", "1")),
        (workload, "mmfan", *_measured(comparison.mmfan, rates, gain, share)),
    ]


def _measured(form: Measurement, rates: MachineRates, speed_up: str, memory_ratio: str) -> tuple[str, ...]:
    seconds = form.seconds
    digits = 2 if seconds.median >= 1 else 4
    return (
        f"{seconds.median:.{digits}f} ({seconds.low:.{digits}f}-{seconds.high:.{digits}f})",
        speed_up,
        "-" if form.memory is None else f"{form.memory.above_start / 2**20:.0f}",
        memory_ratio,
        f"{form.operations.total / 1e9:.1f}",
        f"{form.rate / 1e9:.0f}",
        f"{form.share_of_floor(rates):.0%}",
    )


def _figures(comparison: Comparison, rates: MachineRates) -> dict[str, Any]:
    forms = {
        name: {
            "seconds": form.seconds,
            "operations": {**asdict(form.operations), "total": form.operations.total},
            "memory": form.memory,
            "operations_per_second": form.rate,
            "share_of_floor": form.share_of_floor(rates),
        }
        for name, form in (("plain", comparison.plain), ("mmfan", comparison.mmfan))
    }
    return {
        "job": comparison.job,
        "relative_error": comparison.error,
        "speed_up": comparison.speed_up.median,
        "memory_ratio": comparison.memory_ratio,
        **forms,
    }
