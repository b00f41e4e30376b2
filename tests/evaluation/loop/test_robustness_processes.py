"""RobustnessLoop in several processes, and in processes that are killed."""

import os
import random
import signal
import socket
import time

import pytest
from helpers.tiny_robustness import CELLS, judge, judge_as_rank, quick_processes, write_parts

from mmfan.evaluation.results.store import ResultsStore, key_of

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals and quick processes are POSIX"),
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def expected(parts, tmp_path_factory):
    """What an undisturbed run in one process finds."""
    return judge(*parts, tmp_path_factory.mktemp("judged") / "r.jsonl")[1]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def check(results, expected):
    """Every cell is there, once, with the expected scores and counts."""
    store = ResultsStore(results)
    records = store.records()
    assert [tuple(key_of(record)[1]) for record in records] == CELLS
    for record in records:
        wanted = expected[tuple(key_of(record)[1])]
        assert record["metrics"] == wanted["metrics"]
        assert record["per_class"] == wanted["per_class"]
        assert len(store.read_counts(record).pictures) == 3
    keys = {key_of(record)[0] for record in records}
    assert keys == {key_of(record)[0] for record in expected.values()}


def test_two_processes_equal_one(parts, expected, tmp_path):
    more = {"calibration": True, "flips": True}
    alone = judge(*parts, tmp_path / "one.jsonl", **more)[1]
    assert all(alone[cell]["metrics"] == record["metrics"] for cell, record in expected.items())
    # three pictures: the ranks have two and one, and none may be counted twice
    context, port = quick_processes(), free_port()
    ranks = [
        context.Process(target=judge_as_rank, args=(rank, 2, port, (*parts, tmp_path / "r.jsonl"), more))
        for rank in range(2)
    ]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(timeout=120)
    assert [process.exitcode for process in ranks] == [0, 0]
    check(tmp_path / "r.jsonl", alone)
    for record in ResultsStore(tmp_path / "r.jsonl").records():
        entry, wanted = (one["calibration"] for one in (record, alone[tuple(key_of(record)[1])]))
        assert (tmp_path / entry.pop("sums")).read_bytes() == (tmp_path / wanted.pop("sums")).read_bytes()
        assert entry == wanted
        assert record.get("flips") == alone[tuple(key_of(record)[1])].get("flips")


def test_killed_six_times_it_ends_as_if_it_had_not_been(parts, expected, tmp_path):
    context, results, generator = quick_processes(), tmp_path / "r.jsonl", random.Random(0)
    kills = 0
    for attempt in range(60):
        size = results.stat().st_size if results.exists() else 0
        process = context.Process(target=judge, args=(*parts, results))
        process.start()
        if kills < 6:
            wait_for_growth = kills % 3 == 1 and attempt < 30
            deadline = time.monotonic() + 30
            while wait_for_growth and process.is_alive() and time.monotonic() < deadline:
                # every third kill falls near the end of a cell: in or right after the writing of its record
                if results.exists() and results.stat().st_size > size:
                    break
                time.sleep(0.0005)
            process.join(timeout=0.02 * generator.random() if wait_for_growth else 0.9 * generator.random())
            if process.is_alive():
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
            process.join()
            if ResultsStore(results).done(key_of(expected["clean", 0])[0]) == set(CELLS):
                results.unlink()  # finished before the kills were all spent: once more from the start
            continue
        process.join(timeout=120)
        assert process.exitcode == 0
        break
    assert kills == 6
    check(results, expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_cells_that_another_run_puts_there_meanwhile_are_taken_over(parts, expected, tmp_path, monkeypatch, workers):
    """Before a cell and while it is judged; the loading processes have batches of it ready by then."""
    from mmfan.evaluation.loop.passes import CellPasses

    others = {cell: {**expected[cell], "by": "another"} for cell in (CELLS[2], CELLS[3])}
    take, judged = CellPasses.take, []

    def take_beside_another(passes, number, first):
        judged.append(CELLS[number])
        for cell in {1: [CELLS[2]], 3: [CELLS[3]]}.get(number, []):
            store = ResultsStore(tmp_path / "r.jsonl")
            store.append({name: value for name, value in others[cell].items() if name != "counts"})
        take(passes, number, first)

    monkeypatch.setattr(CellPasses, "take", take_beside_another)
    scores, records = judge(*parts, tmp_path / "r.jsonl", workers=workers)
    assert judged == [CELLS[0], CELLS[1], CELLS[3], CELLS[4]]  # the one that was there before it began was not
    assert {cell: record.get("by") for cell, record in records.items()} == {
        cell: "another" if cell in others else None for cell in CELLS
    }
    assert all(record["metrics"] == expected[cell]["metrics"] for cell, record in records.items())
    assert set(scores) >= {"clean/mIoU", "corrupted/mIoU", "retention/mIoU"}
