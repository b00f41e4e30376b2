"""The comparison of the corruptions with the reference package, on made-up seconds and on a small picture."""

import json
import sys

import numpy as np
import pytest

from mmfan.benchmark.corruptions import (
    CorruptionReport,
    CorruptionTimes,
    NoReferenceError,
    corruptions_page,
    load_reference,
    measure_corruptions,
)
from mmfan.benchmark.machine import describe_machine
from mmfan.benchmark.timing import Spread


def report() -> CorruptionReport:
    times = (
        CorruptionTimes("fog", 3, Spread((0.3, 0.2)), Spread((0.01, 0.02)), Spread((0.05, 0.04))),
        CorruptionTimes("snow", 3, Spread((0.4, 0.5)), Spread((0.06, 0.05)), Spread((0.06, 0.06))),
    )
    # 3 values a pixel, read and written: 6 * 1000 * 500 bytes in a millisecond
    return CorruptionReport(times, 1000, 500, 3e9, describe_machine(1, {}))


def test_shortest_times_are_compared() -> None:
    assert [entry.times_faster for entry in report().times] == pytest.approx([20, 8])
    assert report().floor == pytest.approx(1e-3)
    result = json.loads(corruptions_page(report()).json())
    assert result["total"]["3"] == pytest.approx({"reference": 0.6, "mmfan": 0.06, "png": 0.1, "times_faster": 10})
    assert result["corruptions"][1]["mmfan"] == [0.06, 0.05]


def test_table() -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in corruptions_page(report()).markdown().splitlines()
    ]
    assert rows[4][0] == "severity 3"
    assert rows[6] == ["fog", "200", "10.0", "20.0", "40", "0.25", "10"]
    assert rows[7] == ["snow", "400", "50.0", "8.0", "60", "0.83", "50"]
    assert rows[8] == ["all", "600", "60.0", "10.0", "100", "0.60", "30"]


@pytest.mark.slow
def test_measuring_leaves_numpy_and_says_what_it_does() -> None:
    pytest.importorskip("imagecorruptions")
    np.random.seed(4)
    state, lines = np.random.get_state()[1].copy(), []
    result = measure_corruptions((64, 64), (1, 2), 3, ("gaussian_noise",), lines.append)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert [(entry.name, entry.severity) for entry in result.times] == [("gaussian_noise", 1), ("gaussian_noise", 2)]
    assert all(len(entry.png.values) == 3 for entry in result.times)
    assert [line.split(":")[0] for line in lines] == ["gaussian_noise 1", "gaussian_noise 2"]
    assert {"numpy", "numba", "cv2", "scikit-image"} <= result.machine.versions.keys()


def test_types_that_the_reference_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecorruptions", None)  # and it is not needed
    result = measure_corruptions((64, 64), (3,), 3, ("sparkles",))
    assert [(entry.name, entry.reference, entry.times_faster) for entry in result.times] == [("sparkles", None, None)]
    page = corruptions_page(result)
    lines = [[cell.strip() for cell in line.split("|")[1:4]] for line in page.markdown().splitlines()]
    assert ["sparkles", "-", f"{result.times[0].mmfan.low * 1e3:.1f}"] in lines
    assert json.loads(page.json())["total"]["3"]["reference"] is None


def test_without_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecorruptions", None)
    with pytest.raises(NoReferenceError, match="run `pip install imagecorruptions-imaug scikit-image`"):
        load_reference()
