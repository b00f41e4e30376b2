"""The core of judging with a driver that makes its scores up."""

import logging

import numpy as np
import pytest

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.judging import cells as module
from mmfan.evaluation.judging.cells import CellProgress, CellRun
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.results.store import ResultsStore, RunKey, key_of

CELLS = (CLEAN, Cell("fog", 1), Cell("fog", 2), Cell("snow", 1))
KEY = RunKey("m", dataset="d", seed=3, pictures="1-a", contents="c", truth="t", metric="m")


def scores_of(number):
    counts = np.full((1, 2, 3), number + 1)
    return CellScores({"mIoU": 0.9 - number / 10}, {}, counts, ("a", "b"), "look here" if number == 2 else "")


class Driver:
    """Notes what it is asked for."""

    def __init__(self, store=None, during=None, **more):
        self.begun, self.judged, self.skipped, self.progress = None, [], [], []
        self.during = during or {}
        self.run = CellRun(
            CELLS, store, KEY, pictures=["a.png"], packages=["numpy"], logger=logging.getLogger("test"),
            progress=lambda *given: self.progress.append(given), **more,
        )  # fmt: skip

    def judge(self, number, place):
        self.judged.append((number, place))
        self.during.get(number, lambda: None)()
        return scores_of(number)

    def go(self):
        def begin(todo):
            self.begun = todo

        return self.run.run(begin, self.judge, self.skipped.append, 0)


@pytest.fixture
def store(tmp_path):
    return ResultsStore(tmp_path / "r.jsonl")


def test_every_cell_is_a_line_at_once(store, caplog):
    caplog.set_level(logging.INFO)
    seen = []
    driver = Driver(
        store, {number: lambda: seen.append(len(store.records())) for number in range(4)}, more={"by": "me"}
    )
    records = driver.go()
    assert driver.begun == [0, 1, 2, 3]
    assert driver.judged == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert seen == [0, 1, 2, 3]
    assert records == store.records()
    assert [key_of(record) for record in records] == [(KEY, cell) for cell in CELLS]
    assert [record["metrics"]["mIoU"] for record in records] == [0.9, 0.8, 0.7, 0.6000000000000001]
    assert records[1]["versions"]["corruption"] == "1"
    assert set(records[0]["versions"]) == {"mmfan", "python", "numpy"}
    assert records[3]["by"] == "me"
    assert store.read_counts(records[2]).counts.tolist() == [[[3] * 3] * 2]
    assert driver.progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert "[2/4] fog 1: mIoU 80.00 %" in caplog.text
    assert "fog 2: look here" in caplog.text
    assert "where the time went" in caplog.text
    assert driver.run.seconds["wall"] > 0


def test_goes_on_where_it_was(store):
    class StopError(Exception):
        pass

    def stop():
        raise StopError

    with pytest.raises(StopError):
        Driver(store, {2: stop}).go()
    assert len(store.records()) == 2
    second = Driver(store)
    records = second.go()
    assert second.judged == [(2, 0), (3, 1)]
    assert second.progress == [(3, 4), (4, 4)]
    assert records == store.records()
    third = Driver(store)
    assert third.go() == records
    assert (third.begun, third.judged) == ([], [])


def test_what_another_process_was_first_with_stands(store):
    def put(number):
        other = Driver(store)
        return lambda: other.run._settled(CELLS[number], scores_of(0), 0.0)

    driver = Driver(store, {0: put(1), 2: put(2)})
    records = driver.go()
    assert driver.skipped == [1]  # was there before its turn came
    assert [number for number, _ in driver.judged] == [0, 2, 3]
    assert [record["metrics"]["mIoU"] for record in records] == [0.9, 0.9, 0.9, 0.6000000000000001]
    assert len(store.records()) == 4


def test_another_run_is_told_of_and_not_taken_over(store, caplog):
    driver = Driver(store)
    driver.run.key = KEY._replace(truth="other")
    driver.go()
    assert len(Driver(store).go()) == 4
    assert len(store.records()) == 8
    assert "holds 4 cells with other labels: they stay" in caplog.text


def test_nothing_is_kept_without_a_file():
    driver = Driver()
    assert len(driver.go()) == 4
    assert driver.run.resumed() == []


def test_of_several_processes_one_settles_for_all(store):
    handed = []

    def together(work):
        handed.append(work())
        return handed[-1]

    driver = Driver(store, together=together)
    records = driver.go()
    assert [one for one in handed if isinstance(one, dict)] == records


def test_percentages_are_refused_at_the_first_cell(store):
    driver = Driver(store)
    driver.judge = lambda number, place: CellScores({"mIoU": 61.2})
    with pytest.raises(ValueError, match="fractions from 0 to 1"):
        driver.go()
    assert store.records() == []


def test_progress_twice_a_minute(monkeypatch):
    clock, said = [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    progress = CellProgress("pictures", 10, said.append)
    for done in range(1, 11):
        clock[0] += 11.0
        progress(Cell("fog", 3), done)
    assert said == ["fog 3: pictures: 4/10, 0.1/s, 50 s left", "fog 3: pictures: 7/10, 0.1/s, 28 s left"]


def test_errors_are_left_out_of_the_records_and_that_is_said_once(store, caplog):
    driver = Driver(store)
    driver.judge = lambda number, place: CellScores({"abs_rel": 0.2, "d1": 0.5, "rmse": 0.7 + number})
    records = driver.go()
    assert [record["metrics"] for record in records] == [{"d1": 0.5}] * 4
    assert caplog.text.count("Left out of the records, as less of them is better: abs_rel, rmse.") == 1
