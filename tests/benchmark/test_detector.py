"""The detector's pieces of work, and the table of their memory; never their size."""

import json
from functools import partial
from typing import Any

import pytest
import torch

from mmfan.benchmark import detector
from mmfan.benchmark.detector import (
    DetectorJob,
    Row,
    backbone_work,
    check_same_backbone,
    detector_page,
    detector_work,
    measure_detector,
)
from mmfan.benchmark.machine import describe_torch_machine
from mmfan.benchmark.memory import MemoryUse
from mmfan.benchmark.workload import DifferentFunctionError

SMALL = DetectorJob(arch="tiny", height=64, width=96, threads=1)


@pytest.mark.slow
def test_both_backbones_are_one_function():
    assert check_same_backbone(SMALL) < 1e-5
    plain: Any
    ours: Any
    plain, ours = (backbone_work(SMALL, form, training=False)() for form in ("plain", "mmfan"))
    assert [o.shape for o in plain] == [o.shape for o in ours]
    assert ours[-1].shape == (1, 768, 2, 3)


def test_another_function_gets_no_figures(monkeypatch):
    monkeypatch.setattr(detector, "relative_error", lambda *_: float("nan"))
    with pytest.raises(DifferentFunctionError, match="differ by nan"):
        measure_detector(SMALL)


@pytest.mark.slow
def test_a_training_step(monkeypatch):
    pytest.importorskip("mmdet")

    def with_few_regions(*settings, build=detector.build_detector):
        model = build(*settings)
        model.roi_head.bbox_sampler.num = 8
        return model

    monkeypatch.setattr(detector, "build_detector", with_few_regions)
    optimizer: Any = detector_work(SMALL, with_cp=True)()
    steps = {int(state["step"]) for state in optimizer.state.values()}
    assert steps == {1}
    assert all(torch.isfinite(p).all() for group in optimizer.param_groups for p in group["params"])


def test_table_by_hand(monkeypatch):
    sizes = iter([400, 100, None, 50, 20, 1000, 380])

    def measured(build, device):
        assert build.args == (SMALL,)
        size = next(sizes)
        if size is None:
            raise MemoryError
        return MemoryUse(10, size * 2**20)

    monkeypatch.setattr(detector, "measure_memory", measured)
    said = []
    rows = measure_detector(SMALL, said.append)
    assert [row.ratio for row in rows] == [0.25, None, None, 0.38]
    page = detector_page(SMALL, rows, describe_torch_machine("cpu"))
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.markdown().splitlines()]
    assert ["backbone, inference", "mmfan inference", "100", "0.25", "0.25"] in table
    assert ["backbone, forward + backward", "plain training", "does not fit", "1", ""] in table
    assert ["backbone, forward + backward", "mmfan training, with_cp", "20", "-", "0.25"] in table
    assert ["detector, training step", "step, with_cp", "380", "0.38", "0.40"] in table
    assert said[1] == "plain inference: 400 MiB"
    figures = json.loads(page.json())
    assert figures["rows"][0]["memory"][1]["above_start"] == 100 * 2**20
    assert figures["rows"][1]["ratio"] is None


@pytest.mark.slow
def test_recomputing_is_asked_for_where_it_is_named():
    pieces: dict[str, Any] = dict(detector.PIECES)
    assert {name for name, build in pieces.items() if build.keywords.get("with_cp")} == {
        "mmfan training, with_cp",
        "step, with_cp",
    }
    assert detector.build_backbone(SMALL, "mmfan", with_cp=True).with_cp


def test_ratio_needs_both():
    use = MemoryUse(0, 8)
    assert Row("w", ("a", "b"), (use, MemoryUse(0, 2)), 0.4).ratio == 0.25
    assert Row("w", ("a", "b"), (MemoryUse(0, 0), use), 0.4).ratio is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"arch": "huge"}, "arch to be one of tiny, small.*but got 'huge'"),
        ({"width": 1333}, "positive multiples of 32, but got 1333 x 800"),
        ({"height": 0}, "but got 1344 x 0"),
    ],
)
def test_bad_jobs(arguments, message):
    with pytest.raises(ValueError, match=message):
        partial(DetectorJob, **arguments)()
