"""Growth of time and memory: with the picture in inference, with what a training step keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mmfan.benchmark.machine import describe_torch_machine
from mmfan.benchmark.memory import MemoryNotMeasurableError, measure_memory
from mmfan.benchmark.page import Page
from mmfan.benchmark.timing import Spread, time_alternately
from mmfan.benchmark.workload import Job, build_warm_work, build_work
from mmfan.models.layers.checkpointing import RECOMPUTE
from mmfan.utils.tables import Table

SIZES = (256, 512, 1024, 2048)
HEAD = ("seconds (range)", "microseconds a pixel", "memory above start, MiB", "bytes a pixel")


@dataclass(frozen=True)
class Growth:
    """One step.

    Attributes:
        name: The size, or the choice.
        pixels: Of the batch.
        seconds: Of each round.
        memory: Peak above start in bytes; none where the system does not tell it.
    """

    name: str
    pixels: int
    seconds: Spread
    memory: int | None


def measure_sizes(
    job: Job, sizes: Sequence[int], repeats: int, say: Callable[[str], None] = lambda _: None
) -> list[Growth]:
    """Inference at several sizes of the square picture."""
    return _measure({f"{size}x{size}": replace(job, size=size) for size in sizes}, repeats, say)


def measure_recompute(job: Job, repeats: int, say: Callable[[str], None] = lambda _: None) -> list[Growth]:
    """A training step with every choice of ``recompute``."""
    return _measure({choice: replace(job, recompute=choice) for choice in RECOMPUTE}, repeats, say)


def _measure(jobs: dict[str, Job], repeats: int, say: Callable[[str], None]) -> list[Growth]:
    memory = {name: _memory(job) for name, job in jobs.items()}
    works = {name: build_work(job, "mmfan") for name, job in jobs.items()}
    seconds = time_alternately(works, repeats, on_run=lambda name, s: say(f"growth: {name} {s:.3f} s"))
    return [Growth(name, job.batch * job.size**2, seconds[name], memory[name]) for name, job in jobs.items()]


def _memory(job: Job) -> int | None:
    try:
        return measure_memory(partial(build_warm_work, job, "mmfan"), job.device).above_start
    except MemoryNotMeasurableError:
        return None


def growth_page(job: Job, first: str, steps: Sequence[Growth]) -> Page:
    """One row a step; ``first`` heads the first column."""
    rows = tuple(
        (
            step.name,
            f"{step.seconds.median:.3f} ({step.seconds.low:.3f}-{step.seconds.high:.3f})",
            f"{1e6 * step.seconds.median / step.pixels:.2f}",
            "-" if step.memory is None else f"{step.memory / 2**20:.0f}",
            "-" if step.memory is None else f"{step.memory / step.pixels:.0f}",
        )
        for step in steps
    )
    notes = (f"FAN-{job.arch[0].upper()}-Hybrid, {job.task}, batch {job.batch}, {job.threads} threads.",)
    figures = {"job": job, "steps": [vars(step) for step in steps]}
    return Page(describe_torch_machine(job.device), notes, (Table("", "", (first, *HEAD), rows),), figures)
