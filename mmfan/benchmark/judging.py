"""Speed of ``mmfan.judge`` beside what its workers can do by themselves, and what it adds to the time of a model.

Three kinds of runs take turns on the same pictures and cells: worker processes that only corrupt, what they corrupt
already decoded; ``judge`` with a ``predict`` that costs nothing; ``judge`` with one that takes a known time. Nothing
here needs torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmfan import picture_files
from mmfan.benchmark.machine import Machine, describe_machine
from mmfan.benchmark.page import Page
from mmfan.benchmark.timing import Spread
from mmfan.corruptions import COMMON, corrupt
from mmfan.datasets.corrupted.codec import encode_picture
from mmfan.datasets.miniature import draw_scene
from mmfan.evaluation.function import SegmentationData, judge
from mmfan.utils.tables import Table
from mmfan.utils.versions import versions

SEVERITY = 3
CLASSES = tuple(map(str, range(19)))
_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mmfan.benchmark.judging import corrupt_alone; corrupt_alone(*json.loads(sys.argv[2]))"
)


@dataclass(frozen=True)
class JudgeTimes:
    """One size of pictures with one number of workers; rounds in the order they were measured.

    Attributes:
        size: (width, height) of the pictures, in pixels.
        workers: How many there are.
        alone: Pictures a second of the workers that only corrupt.
        judged: Pictures a second of ``judge`` with a ``predict`` that costs nothing.
        main: CPU seconds that the process of ``judge`` takes for a picture.
        cost: Seconds that the other ``predict`` takes.
        added: Share of these seconds that ``judge`` adds to them.
    """

    size: tuple[int, int]
    workers: int
    alone: Spread
    judged: Spread
    main: Spread
    cost: float
    added: Spread

    @property
    def share(self) -> float:
        """What ``judge`` reaches of the workers' own speed: the median of the rounds' ratios."""
        return float(np.median([one / other for one, other in zip(self.judged.values, self.alone.values, strict=True)]))


def measure_judging(
    sizes: Sequence[tuple[int, int]],
    workers: Sequence[int],
    repeats: int,
    pictures: int = 24,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[JudgeTimes, ...]:
    """Measure every size with every number of workers.

    Args:
        sizes: (width, height) of the pictures in pixels.
        workers: Numbers of worker processes, from 1 on.
        repeats: Rounds.
        pictures: How many there are.
        say: Receives a line of progress for each.

    Raises:
        MMFanError: A size is too small for a street scene.
    """
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            _write_set(Path(folder), size, pictures)
            for count in workers:
                found.append(_measure(Path(folder), size, count, repeats, pictures))
                one = found[-1]
                say(f"{size[0]}x{size[1]}, workers {count}: {100 * one.share:.1f} % of their own speed")
    return tuple(found)


def _write_set(folder: Path, size: tuple[int, int], pictures: int) -> None:
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for number in range(pictures):
        scene = draw_scene(np.random.default_rng(number), size)
        encoded = encode_picture(scene.image, "png", None)
        (folder / f"images/{number}.png").write_bytes(encoded)
        label = np.random.default_rng(number).integers(0, len(CLASSES), (16, 32), np.uint8)
        rows, columns = (np.arange(side) * part // side for side, part in zip(size[::-1], label.shape, strict=True))
        whole = label[rows][:, columns]
        (folder / f"labels/{number}.png").write_bytes(_encode_labels(whole))


def _encode_labels(label: NDArray[np.uint8]) -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", label)[1].tobytes())


def _measure(folder: Path, size: tuple[int, int], workers: int, repeats: int, pictures: int) -> JudgeTimes:
    alone, judged, main, added = [], [], [], []
    cost = 0.0
    for _ in range(repeats):
        alone.append(_rate_alone(folder, workers, pictures))
        cost = cost or 4 * workers / alone[0]  # a model that takes so long seldom has to wait for a picture
        data = SegmentationData(folder / "images", folder / "labels", CLASSES)
        free = _judge(data, workers, 0.0)
        judged.append(free.rate)
        main.append(free.cpu)
        added.append(_judge(data, workers, cost).added)
    return JudgeTimes(
        size, workers, Spread(tuple(alone)), Spread(tuple(judged)), Spread(tuple(main)), cost, Spread(tuple(added))
    )


def _rate_alone(folder: Path, workers: int, pictures: int) -> float:
    """Pictures a second of processes that corrupt what they have decoded before, with everything compiled."""
    environment = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}}
    paths = [os.fspath(place) for place in sys.path]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _CODE, json.dumps(paths), json.dumps([str(folder), number, workers, pictures])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        for number in range(workers)
    ]  # fmt: skip
    try:
        for process in running:
            _line_of(process)
        for process in running:
            print("go", file=process.stdin, flush=True)
        seconds = [float(_line_of(process)) for process in running]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    return pictures * len(COMMON) / max(seconds)


def _line_of(process: subprocess.Popen[str]) -> str:
    line = "" if process.stdout is None else process.stdout.readline()
    if not line:
        raise RuntimeError(f"a measuring process ended with status {process.wait()}")
    return line


def corrupt_alone(folder: str, first: int, step: int, pictures: int) -> None:
    """What one of these processes does: decode, say so, wait for a line, corrupt, print the seconds it took."""
    import cv2

    cv2.setNumThreads(1)
    files = sorted(Path(folder, "images").iterdir(), key=lambda path: int(path.stem))[:pictures]
    clean = [np.ascontiguousarray(picture_files.read(path)[..., ::-1]) for path in files[first::step]]
    for name in COMMON:  # what is compiled at its first call
        corrupt(clean[0], name, SEVERITY, 0)
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    for name in COMMON:
        for number, picture in enumerate(clean):
            corrupt(picture, name, SEVERITY, number)
    print(time.perf_counter() - start, flush=True)


@dataclass(frozen=True)
class _Judged:
    rate: float
    cpu: float
    added: float


class _Predict:
    """A model that says one thing after a set time, and notes when it was asked."""

    def __init__(self, cost: float) -> None:
        self.cost = cost
        self.calls: list[tuple[float, float, float]] = []  # begin, end, CPU seconds of this process before
        self._said: dict[tuple[int, ...], NDArray[np.uint8]] = {}

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        cpu, start = time.process_time(), time.perf_counter()
        size = picture.shape[:2]
        if size not in self._said:
            self._said[size] = np.repeat(np.arange(size[0], dtype=np.uint8)[:, None] % len(CLASSES), size[1], axis=1)
        while time.perf_counter() < start + self.cost:
            pass
        self.calls.append((start, time.perf_counter(), cpu))
        return self._said[size]


def _judge(data: SegmentationData, workers: int, cost: float) -> _Judged:
    """Each type's second cell, from its first picture to its last: what is loaded or compiled once is there by then."""
    predict = _Predict(cost)
    judge(predict, data, {"corruptions": list(COMMON), "severities": [1, SEVERITY]}, workers=workers, verbose=False)
    calls = predict.calls[-2 * len(COMMON) * len(data) :]
    cells = [calls[at : at + len(data)] for at in range(len(data), len(calls), 2 * len(data))]
    count = len(cells) * (len(data) - 1)
    wall = sum(cell[-1][0] - cell[0][0] for cell in cells)
    cpu = sum(cell[-1][2] - cell[0][2] for cell in cells)
    taken = sum(end - start for cell in cells for start, end, _ in cell[:-1])
    return _Judged(count / wall, (cpu - taken * bool(cost)) / count, wall / taken - 1)


def judging_page(times: Sequence[JudgeTimes]) -> Page:
    """One table: medians of the rounds."""
    head = (
        "pictures", "workers", "workers alone, pictures/s", "judge, pictures/s", "share, %", "main process, CPU ms",
        "predict, ms", "added, %",
    )  # fmt: skip
    rows = tuple(
        (
            f"{one.size[0]}x{one.size[1]}", str(one.workers), f"{one.alone.median:.1f}", f"{one.judged.median:.1f}",
            f"{100 * one.share:.1f}", f"{1e3 * one.main.median:.2f}", f"{1e3 * one.cost:.0f}",
            f"{100 * one.added.median:.2f}",
        )
        for one in times
    )  # fmt: skip
    notes = (
        f"The {len(COMMON)} common corruptions at severity {SEVERITY}; medians of {len(times[0].alone.values)} rounds, "
        "which take turns.",
        "Share: of what the workers corrupt by themselves (the floor), judge with a predict that costs nothing. Added: "
        "to the time of a predict that keeps one core busy.",
    )
    figures: dict[str, Any] = {
        "judge": [
            {
                "size": list(one.size), "workers": one.workers, "alone": one.alone, "judged": one.judged,
                "share": one.share, "main": one.main, "cost": one.cost, "added": one.added,
            }
            for one in times
        ]
    }  # fmt: skip
    return Page(_machine(), notes, (Table("", "", head, rows),), figures)


def _machine() -> Machine:
    return describe_machine(1, versions("numpy", "numba", "cv2"))
