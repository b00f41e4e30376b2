"""How long a run will take: what is measured of each step, and what it comes to."""

from types import SimpleNamespace

import pytest
import torch
from helpers.tiny_robustness import make_runner, write_parts

from mmfan.apis.robustness import built_loop, describe_plan
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.loop import estimate
from mmfan.evaluation.loop.computing.computing import Computing
from mmfan.evaluation.loop.estimate import Pace, estimate_seconds, measure_pace
from mmfan.evaluation.loop.loading.stream import SampleNote

CELLS = (CLEAN, Cell("fog", 1), Cell("fog", 2), Cell("snow", 1))
PACE = Pace(forward=0.5, prepare=0.25, corrupt={"fog": 0.75, "snow": 0.125})


@pytest.mark.parametrize(
    ("workers", "ranks", "seconds"),
    [
        (0, 1, 10 * (0.75 + 1.5 + 1.5 + 0.875)),  # one after the other
        (1, 1, 10 * (0.5 + 1.0 + 1.0 + 0.5)),  # the slower of the two
        (4, 1, 10 * 4 * 0.5),  # the model never waits
        (4, 3, 4 * 4 * 0.5),  # the rank with the most pictures: 4 of 10
    ],
)
def test_seconds_by_hand(workers, ranks, seconds):
    assert estimate_seconds(PACE, CELLS, pictures=10, workers=workers, ranks=ranks) == pytest.approx(seconds)


def test_a_type_without_a_pace_costs_no_more_than_the_clean_pictures():
    assert estimate_seconds(PACE, [Cell("frost", 1)], 10, workers=0) == pytest.approx(7.5)
    assert estimate_seconds(PACE, [], 10, workers=0) == 0


class FakeLoop:
    """As much of a loop as is measured: every forward pass and every sample takes the next of some seconds."""

    chosen = SimpleNamespace(numbers=(4, 7))
    cells = CELLS

    def __init__(self, clock, forward, notes):
        self.clock, self.forward, self.notes, self.asked = clock, iter(forward), notes, []
        self.metric = SimpleNamespace(results=[])
        self.evaluator = SimpleNamespace(process=self.process, forget=self.metric.results.clear)
        self.computing = Computing(torch.nn.Identity())
        self.runner = SimpleNamespace(model=SimpleNamespace(eval=lambda: None, test_step=self.test_step))
        self.dataloader = SimpleNamespace(dataset=self, collate_fn=lambda batch: [([n for n, _ in batch], batch)])

    def __getitem__(self, key: tuple[int, int]):
        self.asked.append(key)
        load, corrupt, other = self.notes[key].pop(0)
        return SampleNote(*key, load, corrupt, other), "sample"

    def test_step(self, batch):
        assert not torch.is_grad_enabled()
        self.clock.now += next(self.forward)
        return batch

    def process(self, data_samples, data_batch):
        self.clock.now += 0.5
        self.metric.results.append(data_samples)


def test_the_fastest_of_two_passes_counts(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: clock.now)
    notes = {
        (0, 4): [(1.0, 0.0, 0.5), (0.25, 0.0, 0.125)],
        (0, 7): [(0.5, 0.0, 0.25)],
        # of each type the highest severity, twice
        (2, 4): [(1.0, 3.0, 1.0), (1.0, 2.0, 1.0)],
        (3, 4): [(1.0, 0.5, 1.0), (1.0, 0.75, 1.0)],
    }
    loop = FakeLoop(clock, [9.0, 2.0, 1.5], notes)
    pace = measure_pace(loop, pictures=3)
    assert pace == Pace(forward=2.0, prepare=0.375, corrupt={"fog": 2.0, "snow": 0.5})
    assert loop.asked == [(0, 4), (0, 7), (0, 4), (2, 4), (2, 4), (3, 4), (3, 4)]
    assert loop.metric.results == []  # nothing is kept


@pytest.mark.slow
def test_measuring_a_real_loop_leaves_no_trace(tmp_path):
    parts = write_parts(tmp_path)
    runner = make_runner(*parts, tmp_path / "work", results=str(tmp_path / "r.jsonl"), limit=1)
    loop = built_loop(runner)
    pace = measure_pace(loop)
    assert set(pace.corrupt) == {"contrast", "gaussian_noise"}
    assert 0 < pace.forward < 60
    assert 0 < pace.prepare < 60
    assert all(0 < seconds < 60 for seconds in pace.corrupt.values())
    assert [metric.results for metric in loop.evaluator.metrics] == [[]]
    assert not (tmp_path / "r.jsonl").exists()
    plan = describe_plan(loop, measure=True).splitlines()
    assert plan[0].endswith("4 cells and the clean pictures, 1 picture each")
    assert "for 5 cells with 0 loading processes" in plan[-1]
