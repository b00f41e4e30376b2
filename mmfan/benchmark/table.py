"""Comparisons as a markdown table and as JSON; the only place of the benchmark that rounds."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mmfan.benchmark.compare import Comparison, Measurement
from mmfan.benchmark.floor import MachineRates
from mmfan.benchmark.machine import Machine

COLUMNS = (
    "workload",
    "form",
    "seconds (range)",
    "speed-up (range)",
    "memory above start, MiB",
    "of plain",
    "GFLOP",
    "GFLOP/s",
    "share of floor",
)


def markdown(comparisons: Sequence[Comparison], machine: Machine, rates: MachineRates) -> str:
    """The machine, its rates and one table, as markdown that reads well on a terminal too."""
    cells = [COLUMNS, *(row for comparison in comparisons for row in _rows(comparison, rates))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    lines = [_line(row, widths) for row in cells]
    # numbers to the right
    lines.insert(1, "|" + "|".join("-" * (w + 2) if i < 2 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|")
    errors = "; ".join(f"{c.job.task} {c.error:.1e}" for c in comparisons)
    job = comparisons[0].job
    options = [name for name, on in (("torch.compile", job.compiled), ("activation checkpointing", job.with_cp)) if on]
    name = "XL" if job.arch == "xlarge" else job.arch[0].upper()
    return "\n".join(
        (
            f"Machine: {machine}.",
            f"Its matrix-product rate ({'bfloat16' if job.amp else 'float32'}): {rates.matmul / 1e9:.0f} GFLOP/s; its "
            f"copy bandwidth: {rates.bandwidth / 1e9:.0f} GB/s.",
            f"Model: FAN-{name}-Hybrid + SegFormer head, {job.embed_dim} wide, {job.num_classes} classes, batch "
            f"{job.batch}, {'bfloat16 autocast' if job.amp else 'float32'}"
            f"{', mmfan with ' + ' and '.join(options) if options else ''}.",
            f"Largest relative error between the forms: {errors}.",
            f"Medians and ranges of {len(comparisons[0].plain.seconds.values)} runs, the forms in turn.",
            "",
            *lines,
        )
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
    return f"| {' | '.join(padded)} |"


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


def as_json(comparisons: Sequence[Comparison], machine: Machine, rates: MachineRates) -> dict[str, Any]:
    """Everything measured, unrounded: seconds, bytes, operations; ``None`` where memory could not be measured."""
    return {
        "machine": asdict(machine),
        "rates": asdict(rates),
        "comparisons": [
            {
                "job": asdict(c.job),
                "relative_error": c.error,
                "speed_up": c.speed_up.median,
                "memory_ratio": c.memory_ratio,
                **{name: _form_json(form, rates) for name, form in (("plain", c.plain), ("mmfan", c.mmfan))},
            }
            for c in comparisons
        ],
    }


def _form_json(form: Measurement, rates: MachineRates) -> dict[str, Any]:
    return {
        "seconds": list(form.seconds.values),
        "operations": {**asdict(form.operations), "total": form.operations.total},
        "memory": None if form.memory is None else asdict(form.memory),
        "operations_per_second": form.rate,
        "share_of_floor": form.share_of_floor(rates),
    }
