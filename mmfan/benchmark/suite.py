"""Everything that mmfan measures, part by part, in one run on one machine; the tables of docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmfan.benchmark.page import Page, fill_marks
from mmfan.errors import MMFanError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What all parts share.

    Attributes:
        repeats: Measured rounds.
        threads: CPU threads of the model.
        size: Side of the picture in inference, in pixels.
        train_size: Side in training.
        sizes: Sides at which growth is measured.
        workers: Numbers of worker processes.
        street: (width, height) of the street scenes of the data side.
        small: (width, height) of the small ones, which are judged too.
    """

    repeats: int = 3
    threads: int = 2
    size: int = 1024
    train_size: int = 512
    sizes: tuple[int, ...] = (256, 512, 1024, 2048)
    workers: tuple[int, ...] = (1, 2, 4)
    street: tuple[int, int] = (2048, 1024)
    small: tuple[int, int] = (480, 360)


def _segmentor(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.compare import compare, comparison_page
    from mmfan.benchmark.floor import measure_rates
    from mmfan.benchmark.machine import describe_torch_machine
    from mmfan.benchmark.workload import Job

    jobs = (
        Job("inference", settings.size, threads=settings.threads),
        Job("training", settings.train_size, threads=settings.threads),
    )
    rates = measure_rates()
    comparisons = [compare(job, settings.repeats, say) for job in jobs]
    return comparison_page(comparisons, describe_torch_machine("cpu"), rates.best(measure_rates()))


def _forms(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.forms import forms_page, measure_forms
    from mmfan.benchmark.workload import Job

    job = Job("inference", settings.size, threads=settings.threads)
    return forms_page(job, *measure_forms(job, settings.repeats, say))


def _recompute(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.growth import growth_page, measure_recompute
    from mmfan.benchmark.workload import Job

    job = Job("training", settings.train_size, threads=settings.threads)
    return growth_page(job, "recompute", measure_recompute(job, settings.repeats, say))


def _growth(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.growth import growth_page, measure_sizes
    from mmfan.benchmark.workload import Job

    job = Job("inference", settings.size, threads=settings.threads)
    return growth_page(job, "picture", measure_sizes(job, settings.sizes, settings.repeats, say))


def _judge(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.judging import judging_page, measure_judging

    # more workers than cores say how a machine is shared, not how fast judging is
    workers = [count for count in settings.workers if count <= (os.cpu_count() or 1)] or [1]
    return judging_page(measure_judging([settings.street, settings.small], workers, settings.repeats, 12, say))


def _sets(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.making import making_page, measure_making

    return making_page(settings.street, measure_making(settings.street, settings.workers, settings.repeats, say))


def _corruptions(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.corruptions import corruptions_page, measure_corruptions

    return corruptions_page(measure_corruptions(settings.street, (3,), settings.repeats, say=say))


def _detection(settings: Settings, say: Say) -> Page:
    from mmfan.benchmark.detector import DetectorJob, detector_page, measure_detector
    from mmfan.benchmark.machine import describe_torch_machine

    job = DetectorJob("small", 800, 1344, settings.threads, "cpu")
    return detector_page(job, measure_detector(job, say), describe_torch_machine("cpu"))


# name -> (measures it, what it is)
PARTS: dict[str, tuple[Callable[[Settings, Say], Page], str]] = {
    "segmentor": (_segmentor, "inference and a training step beside the plain form: time, memory, operations"),
    "forms": (_forms, "inference in float32, bfloat16, compiled, exported"),
    "recompute": (_recompute, "a training step with each choice of recompute"),
    "growth": (_growth, "inference from small to large pictures"),
    "judge": (_judge, "judging end to end, with several numbers of workers"),
    "sets": (_sets, "making corrupted sets, with several numbers of workers"),
    "corruptions": (_corruptions, "every corruption beside the package imagecorruptions"),
    "detection": (_detection, "memory of a detector"),
}


def measure_parts(parts: Sequence[str], settings: Settings, say: Say) -> dict[str, Any]:
    """Measure parts, one after another; one that cannot be measured here says why.

    Args:
        parts: Names in :data:`PARTS`.
        settings: What they share.
        say: Receives a line of progress now and then.

    Returns:
        ``seconds`` in all, and by name of each of ``parts``: its ``seconds``, the ``markdown`` of its tables, and its
        ``figures``, unrounded; or ``missing``, why there are none.
    """
    start = time.perf_counter()
    found: dict[str, Any] = {}
    for name in parts:
        began = time.perf_counter()
        try:
            page = PARTS[name][0](settings, say)
        except (ImportError, MMFanError, MemoryError) as error:
            found[name] = {"missing": " ".join(str(error).split()) or type(error).__name__}
            say(f"{name}: not measured: {found[name]['missing']}")
            continue
        seconds = time.perf_counter() - began
        found[name] = {"seconds": seconds, "markdown": page.markdown(), "figures": json.loads(page.json())}
        say(f"{name}: measured in {seconds:.0f} s")
    return {"seconds": time.perf_counter() - start, "load": _load(), "parts": found}


def _load() -> float | None:
    """How busy the machine was in the last minute, in running processes; none where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def suite_markdown(result: Mapping[str, Any]) -> str:
    """The parts under headings, and the time that they took."""
    lines = []
    for name, part in result["parts"].items():
        text = part.get("markdown") or f"Not measured: {part['missing']}"
        lines += [f"## {name}", "", PARTS[name][1].capitalize() + ".", "", text, ""]
    return "\n".join([*lines, f"Measured in {result['seconds']:.0f} s."])


def fill_page(text: str, result: Mapping[str, Any]) -> str:
    """A page with the parts of a result between their marks, ``<!-- bench NAME -->`` and ``<!-- end NAME -->``.

    What was not measured stays as it is.

    Raises:
        MMFanError: A measured part has no marks in the page.
    """
    for name, part in result["parts"].items():
        if "markdown" not in part:
            continue
        text = fill_marks(text, "bench", name, part["markdown"])
    return text
