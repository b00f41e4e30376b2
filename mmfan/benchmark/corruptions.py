"""Times of the corruptions beside the reference package, in one run: milliseconds of one picture, type by type.

The reference is ``imagecorruptions`` (``imagecorruptions-imaug`` is its maintained form), which is optional. Nothing
here needs torch.
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from mmfan.benchmark.machine import Machine, describe_machine
from mmfan.benchmark.page import Page
from mmfan.benchmark.timing import Spread, time_alternately
from mmfan.corruptions import CORRUPTIONS, corrupt
from mmfan.corruptions.threads import one_thread
from mmfan.datasets.corrupted.codec import encode_picture
from mmfan.datasets.miniature import draw_scene
from mmfan.errors import MMFanError
from mmfan.utils.tables import Table
from mmfan.utils.versions import installed, versions

Picture = NDArray[np.uint8]
Reference = Callable[[Picture, str, int], Picture]


class NoReferenceError(MMFanError, RuntimeError):
    """The package that is measured against is not installed, or cannot be imported here."""


@dataclass(frozen=True)
class CorruptionTimes:
    """One type at one severity.

    Attributes:
        name: The corruption.
        severity: Its severity.
        reference: Seconds of the reference, round by round; None for the types that it has not.
        mmfan: Seconds of mmfan, round by round.
        png: Seconds of encoding the corrupted picture as mmfan's corrupted sets store it.
    """

    name: str
    severity: int
    reference: Spread | None
    mmfan: Spread
    png: Spread

    @property
    def times_faster(self) -> float | None:
        """Shortest time of the reference over mmfan's shortest; above 1 is faster."""
        return None if self.reference is None else self.reference.low / self.mmfan.low


@dataclass(frozen=True)
class CorruptionReport:
    """All that was measured in one run.

    Attributes:
        times: One entry a type and severity.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        bandwidth: Bytes a second read and written by a copy that is larger than the caches, on one thread.
        machine: Where it was measured, and with which versions.
    """

    times: tuple[CorruptionTimes, ...]
    width: int
    height: int
    bandwidth: float
    machine: Machine

    @property
    def floor(self) -> float:
        """Seconds that reading the picture and writing the result takes at the bandwidth: no corruption can do less."""
        return 2 * 3 * self.width * self.height / self.bandwidth


def measure_corruptions(
    size: tuple[int, int],
    severities: Sequence[int],
    repeats: int,
    names: Sequence[str] = CORRUPTIONS,
    say: Callable[[str], None] = lambda _: None,
) -> CorruptionReport:
    """Time every type on one street scene, the reference and mmfan in turn, on one thread.

    Args:
        size: (width, height) of the picture in pixels.
        severities: Which to measure.
        repeats: Measured rounds of each; one more goes before them.
        names: The types to measure; those that the reference has not are measured alone.
        say: Receives a line of progress for each type.

    Raises:
        NoReferenceError: The reference is not installed.
        MMFanError: ``size`` is too small for a street scene.
    """
    reference = load_reference() if set(names) & set(CORRUPTIONS) else None
    picture = draw_scene(np.random.default_rng(0), size).image
    times = []
    with one_thread(), _reproducible_numpy():
        bandwidth = _copy_bandwidth()
        for name in names:
            for severity in severities:
                times.append(_time_one(picture, name, severity, repeats, reference))
                measured = times[-1]
                beside = f"reference {measured.reference.low * 1e3:.0f} ms, " if measured.reference else ""
                say(f"{name} {severity}: {beside}mmfan {measured.mmfan.low * 1e3:.1f} ms")
        bandwidth = max(bandwidth, _copy_bandwidth())
    return CorruptionReport(tuple(times), picture.shape[1], picture.shape[0], bandwidth, _describe_machine())


def _time_one(picture: Picture, name: str, severity: int, repeats: int, reference: Reference | None) -> CorruptionTimes:
    corrupted = corrupt(picture, name, severity, 0)
    forms: dict[str, Callable[[], object]] = {
        "mmfan": lambda: corrupt(picture, name, severity, 0),
        "png": lambda: encode_picture(corrupted, "png", None),
    }
    if reference is not None and name in CORRUPTIONS:
        forms = {"reference": lambda: reference(picture, name, severity), **forms}
    seconds = time_alternately(forms, repeats)
    return CorruptionTimes(name, severity, seconds.get("reference"), seconds["mmfan"], seconds["png"])


def load_reference() -> Reference:
    """The reference package as a function of picture, name and severity.

    Raises:
        NoReferenceError: It is not installed, or cannot be imported.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from imagecorruptions import corrupt as reference_corrupt
    except ImportError as error:
        raise NoReferenceError(
            f"the reference package imagecorruptions cannot be imported ({error}): "
            "run `pip install imagecorruptions-imaug scikit-image`"
        ) from error

    def reference(picture: Picture, name: str, severity: int) -> Picture:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return np.asarray(reference_corrupt(picture, severity=severity, corruption_name=name), np.uint8)

    return reference


@contextlib.contextmanager
def _reproducible_numpy() -> Iterator[None]:
    """The reference draws from numpy's global generator: start it from a fixed state, and put it back."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)


def _copy_bandwidth(size: int = 1 << 27, repeats: int = 4) -> float:
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        np.copyto(target, source)
        seconds.append(time.perf_counter() - start)
    return 2 * size / min(seconds)


def _describe_machine() -> Machine:
    packages = installed("scipy", "scikit-image", "imagecorruptions-imaug", "imagecorruptions")
    return describe_machine(1, versions("numpy", "numba", "cv2") | packages)


def corruptions_page(report: CorruptionReport) -> Page:
    """One table a severity; times are the shortest of the runs."""
    notes = (
        f"Its copy bandwidth: {report.bandwidth / 1e9:.1f} GB/s; reading and writing one picture of {report.width}x"
        f"{report.height} takes {report.floor * 1e3:.1f} ms (the floor).",
        f"Shortest of {len(report.times[0].mmfan.values)} runs, the two packages in turn.",
    )
    by_severity = {
        severity: [entry for entry in report.times if entry.severity == severity]
        for severity in sorted({entry.severity for entry in report.times})
    }
    figures = {
        "size": [report.width, report.height],
        "bandwidth": report.bandwidth,
        "floor": report.floor,
        "corruptions": [
            {
                "corruption": entry.name,
                "severity": entry.severity,
                "reference": entry.reference,
                "mmfan": entry.mmfan,
                "png": entry.png,
                "times_faster": entry.times_faster,
            }
            for entry in report.times
        ],
        "total": {str(severity): _total(times) for severity, times in by_severity.items()},
    }
    return Page(report.machine, notes, tuple(_table(times, report.floor) for times in by_severity.values()), figures)


def _table(times: Sequence[CorruptionTimes], floor: float) -> Table:
    columns = ("reference, ms", "mmfan, ms", "times faster", "PNG, ms", "mmfan / PNG", "mmfan / floor")
    total = _total(times)
    rows = [_row(t.name, t.reference.low if t.reference else None, t.mmfan.low, t.png.low, floor) for t in times]
    rows.append(_row("all", total["reference"], total["mmfan"], total["png"], floor * len(times)))
    return Table("", "", (f"severity {times[0].severity}", *columns), tuple(rows))


def _row(name: str, reference: float | None, ours: float, png: float, floor: float) -> tuple[str, ...]:
    return (
        name,
        "-" if reference is None else f"{reference * 1e3:.0f}",
        f"{ours * 1e3:.1f}",
        "-" if reference is None else f"{reference / ours:.1f}",
        f"{png * 1e3:.0f}",
        f"{ours / png:.2f}",
        f"{ours / floor:.0f}",
    )


class _Total(TypedDict):
    reference: float | None
    mmfan: float
    png: float
    times_faster: float | None


def _total(times: Sequence[CorruptionTimes]) -> _Total:
    """Sums of the shortest times; of the reference only where it has all types."""
    ours, png = (sum(getattr(entry, form).low for entry in times) for form in ("mmfan", "png"))
    references = [entry.reference.low for entry in times if entry.reference is not None]
    reference = sum(references) if len(references) == len(times) else None
    return _Total(
        reference=reference, mmfan=ours, png=png, times_faster=None if reference is None else reference / ours
    )
