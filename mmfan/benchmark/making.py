"""Speed of making corrupted sets on disk, with several numbers of worker processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mmfan.benchmark.machine import describe_machine
from mmfan.benchmark.page import Page
from mmfan.benchmark.timing import Spread, time_alternately
from mmfan.corruptions import COMMON
from mmfan.datasets.corrupted import make_corrupted_set, make_plan
from mmfan.datasets.corrupted.codec import encode_picture
from mmfan.datasets.miniature import draw_scene
from mmfan.utils.tables import Table
from mmfan.utils.versions import versions

HEAD = ("workers", "pictures/s (range)", "times one worker")
SEVERITY = 3
PICTURES = 4


def measure_making(
    size: tuple[int, int], workers: Sequence[int], repeats: int, say: Callable[[str], None] = lambda _: None
) -> dict[int, Spread]:
    """Pictures a second of making the 15 common types at severity 3, PNG to PNG, by number of workers.

    Args:
        size: (width, height) of the street scenes in pixels.
        workers: Numbers of worker processes; 1 is this process itself.
        repeats: Rounds, the numbers in turn.
        say: Receives a line of progress now and then.
    """
    cells = [(name, SEVERITY) for name in COMMON]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clean"
        source.mkdir()
        for number in range(PICTURES):
            scene = draw_scene(np.random.default_rng(number), size)
            (source / f"{number}.png").write_bytes(encode_picture(scene.image, "png", None))

        def make(count: int) -> None:
            with tempfile.TemporaryDirectory(dir=folder) as target:
                make_corrupted_set(make_plan(source, Path(target) / "set", cells), workers=count)

        works = {str(count): partial(make, count) for count in workers}
        times = time_alternately(works, repeats, on_run=lambda name, s: say(f"sets: {name} workers {s:.1f} s"))
    made = PICTURES * len(cells)
    return {int(name): Spread(tuple(made / value for value in spread.values)) for name, spread in times.items()}


def making_page(size: tuple[int, int], rates: dict[int, Spread]) -> Page:
    """One row a number of workers."""
    one = next(iter(rates.values())).median
    rows = tuple(
        (str(count), f"{rate.median:.1f} ({rate.low:.1f}-{rate.high:.1f})", f"{rate.median / one:.2f}")
        for count, rate in rates.items()
    )
    notes = (
        f"{PICTURES} street scenes of {size[0]}x{size[1]}, the {len(COMMON)} common types at severity {SEVERITY}, "
        "PNG to PNG; starting the processes counts.",
    )
    machine = describe_machine(max(rates), versions("numpy", "numba", "cv2"))
    return Page(machine, notes, (Table("", "", HEAD, rows),), {"size": size, "pictures_per_second": rates})
