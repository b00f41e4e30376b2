"""mmfan's segmentor in every form that it can take: float32, bfloat16, compiled, exported; one workload, in turn."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmfan.benchmark.machine import describe_torch_machine
from mmfan.benchmark.page import Page
from mmfan.benchmark.timing import Spread, round_ratios, time_alternately
from mmfan.benchmark.workload import Job, build_model, build_work, make_batch, relative_error
from mmfan.utils.tables import Table

HEAD = ("form", "seconds (range)", "times as fast as mmfan, float32", "relative error")
FIRST = "mmfan, float32"


@dataclass(frozen=True)
class FormTimes:
    """One form, measured in turn with the others.

    Attributes:
        name: What it is.
        seconds: Of each round.
        error: Relative error of its logits, see :func:`~mmfan.benchmark.workload.relative_error`; 0 of the first form.
    """

    name: str
    seconds: Spread
    error: float


def measure_forms(
    job: Job, repeats: int, say: Callable[[str], None] = lambda _: None
) -> tuple[list[FormTimes], list[str]]:
    """Measure inference of every form that this machine can run.

    Args:
        job: An inference in float32 on the CPU.
        repeats: Measured rounds.
        say: Receives a line of progress now and then.

    Returns:
        The forms, mmfan's own first, and sentences about those that could not be measured.
    """
    works: dict[str, Callable[[], Any]] = {FIRST: build_work(job, "mmfan")}
    works["mmfan, bfloat16 autocast"] = build_work(replace(job, amp=True), "mmfan")
    works["mmfan, torch.compile"] = build_work(replace(job, compiled=True), "mmfan")
    remarks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        works.update(_exported(job, Path(folder), remarks))
        errors: dict[str, float] = {}
        expected = works[FIRST]().float()
        for name in list(works):
            say(f"forms: {name}")
            try:
                errors[name] = relative_error([expected], [torch.as_tensor(works[name]()).float()])
            except RuntimeError as error:  # a compiler that is not there, for one
                remarks.append(f"{name} was not measured: {' '.join(str(error).split())[:200]}")
                del works[name]
        seconds = time_alternately(works, repeats, on_run=lambda name, s: say(f"forms: {name} {s:.3f} s"))
    return [FormTimes(name, spread, errors[name]) for name, spread in seconds.items()], remarks


def _exported(job: Job, folder: Path, remarks: list[str]) -> dict[str, Callable[[], Any]]:
    """The model as ``mmfan export`` writes it, in the runtimes that are installed."""
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        remarks.append(f"Exported forms were not measured: {' and '.join(missing)} not installed.")
        return {}
    from mmfan.apis.export.writing import write_onnx

    pictures, _ = make_batch(job)
    path = folder / "model.onnx"
    write_onnx(build_model(job, "mmfan"), pictures, True, path, {}, 18)
    works: dict[str, Callable[[], Any]] = {}
    for name, build in (("onnxruntime", _onnx_runtime), ("openvino", _openvino)):
        if importlib.util.find_spec(name) is None:
            remarks.append(f"{name} is not installed: not measured.")
        else:
            works.update(build(path, pictures, job.threads))
    return works


def _onnx_runtime(path: Path, pictures: Tensor, threads: int) -> dict[str, Callable[[], Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: pictures.numpy()}
    return {"exported, ONNX Runtime, float32": lambda: session.run(None, feed)[0]}


def _openvino(path: Path, pictures: Tensor, threads: int) -> dict[str, Callable[[], Any]]:
    import openvino

    def work(precision: str) -> Callable[[], Any]:
        config = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        model = openvino.Core().compile_model(str(path), "CPU", config)
        return lambda: model(pictures.numpy())[0]

    return {
        "exported, OpenVINO, float32": work("f32"),
        "exported, OpenVINO, bfloat16": work("bf16"),
    }


def forms_page(job: Job, times: list[FormTimes], remarks: list[str]) -> Page:
    """One row a form."""
    first = times[0].seconds
    rows = tuple(
        (
            one.name,
            f"{one.seconds.median:.2f} ({one.seconds.low:.2f}-{one.seconds.high:.2f})",
            f"{round_ratios(first, one.seconds).median:.2f}",
            f"{one.error:.1e}" if one.error else "",
        )
        for one in times
    )
    notes = (f"Inference at {job.size}x{job.size}, batch {job.batch}, {job.threads} threads.", *remarks)
    figures = {"job": job, "forms": [vars(one) for one in times]}
    return Page(describe_torch_machine("cpu"), notes, (Table("", "", HEAD, rows),), figures)
