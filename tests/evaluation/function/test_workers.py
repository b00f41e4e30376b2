"""Worker processes of judging: the same bytes, their ends, what they cannot do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_pictures import CELLS, CLASSES, PROTOCOL, by_brightness, pairs, write_folders

from mmfan import SegmentationData, judge
from mmfan.corruptions import get_corruption, register_corruption, unregister_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.errors import WorkerDiedError
from mmfan.evaluation.function.sources.items import Preparation, Unit
from mmfan.evaluation.function.stream import Workers
from mmfan.evaluation.results.store import ResultsStore, key_of

pytestmark = [pytest.mark.process, pytest.mark.skipif(os.name != "posix", reason="worker processes are POSIX")]
ROOT = Path(__file__).parents[3]
NOISE = Cell("gaussian_noise", 2)


@pytest.fixture
def data(tmp_path):
    return SegmentationData(*write_folders(tmp_path), CLASSES)


def units(data, count, cell=NOISE):
    return [Unit(1, place, cell, data.item(place % 3)) for place in range(count)]


def test_in_order_and_the_same_bytes(data):
    preparation = Preparation(3, data.reading)
    asked = units(data, 10)
    with Workers(preparation, [CLEAN, NOISE], 2, 3) as workers:
        found = list(workers.make(iter(asked)))
    assert [unit for unit, _ in found] == asked
    for unit, ready in found:
        here = preparation.make(unit)
        assert (ready.picture == here.picture).all()
        assert (ready.truth == here.truth).all()
        assert ready.picture.flags["WRITEABLE"]
        assert ready.load > 0
        assert ready.corrupt > 0


def test_no_further_ahead_than_asked(data):
    taken = []

    def watched():
        for unit in units(data, 12):
            taken.append(unit)
            yield unit

    with Workers(Preparation(0, data.reading), [NOISE], 1, 4) as workers:
        stream = workers.make(watched())
        next(stream)
        assert len(taken) == 4
        assert len(list(stream)) == 11


def test_errors_name_picture_and_cell(data, tmp_path):
    (tmp_path / "images/street/1.png").write_bytes(b"nothing")
    for count in (0, 1):
        with Workers(Preparation(0, data.reading), [NOISE], count, 2) as workers:
            stream = workers.make(iter(units(data, 3)))
            next(stream)
            with pytest.raises(
                ValueError, match=r"gaussian_noise 2 of the picture street/1\.png cannot be made: .*1\.png"
            ):
                next(stream)


def test_a_worker_that_is_killed(data):
    with Workers(Preparation(0, data.reading), [NOISE], 1, 2) as workers:
        stream = workers.make(iter(units(data, 9)))
        next(stream)
        workers._all[0].process.kill()
        with pytest.raises(WorkerDiedError, match=r"status -9.*with fewer workers"):
            list(stream)


def test_they_are_gone_at_the_end_whatever_they_do(data):
    with Workers(Preparation(0, data.reading), [NOISE], 2, 4) as workers:
        next(workers.make(iter(units(data, 9))))
    assert [worker.process.returncode for worker in workers._all] == [-9, -9]


def test_a_corruption_of_ones_own(data, tmp_path, monkeypatch):
    (tmp_path / "own_corruptions.py").write_text(
        "def half(image, severity, seed):\n    return image // (2 * severity)\n"
    )
    (tmp_path / "own_errors.py").write_text("def fail(image, severity, seed):\n    return image[seed + 'a']\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from own_corruptions import half
    from own_errors import fail

    register_corruption("half", half, severities=(1, 2))
    register_corruption("fail", fail, severities=(1,))
    register_corruption("local", lambda image, severity, seed: image, severities=(1,))
    try:
        with Workers(Preparation(0, data.reading), [Cell("half", 2)], 1, 2) as workers:
            ((_, ready),) = workers.make(iter(units(data, 1, Cell("half", 2))))
        assert (ready.picture == next(pairs())[0] // 4).all()
        with (
            Workers(Preparation(0, data.reading), [Cell("fail", 1)], 1, 2) as workers,
            pytest.raises(ValueError, match=r"street/0\.png cannot be made: TypeError: .*own_errors\.py, line 2"),
        ):
            list(workers.make(iter(units(data, 1, Cell("fail", 1)))))
        with pytest.raises(ValueError, match=r"your own \(local\) cannot be handed to worker processes .*workers=0"):
            Workers(Preparation(0, data.reading), [Cell("local", 1)], 1, 2).__enter__()
        assert judge(by_brightness, data, {"corruptions": ["local"]}, workers=0, verbose=False).retention == 1
    finally:
        for name in ("half", "fail", "local"):
            unregister_corruption(name)


def test_a_corruption_whose_module_is_not_there_for_the_workers(data, tmp_path, monkeypatch):
    import types

    module = types.ModuleType("only_here")
    exec("def same(image, severity, seed):\n    return image", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    register_corruption("same", module.same, severities=(1,))
    register_corruption("of_script", lambda image, severity, seed: image, severities=(1,))
    monkeypatch.setattr(get_corruption("of_script").function, "__module__", "__main__")
    try:
        with (
            Workers(Preparation(0, data.reading), [Cell("same", 1)], 1, 2) as workers,
            pytest.raises(ValueError, match=r"same 1 of .* cannot be made: ModuleNotFoundError: .*only_here"),
        ):
            list(workers.make(iter(units(data, 1, Cell("same", 1)))))
        with pytest.raises(ValueError, match=r"your own \(of_script\) cannot .*in the script itself.*workers=0"):
            Workers(Preparation(0, data.reading), [Cell("of_script", 1)], 1, 2).__enter__()
    finally:
        for name in ("same", "of_script"):
            unregister_corruption(name)


# No `if __name__ == "__main__":`, a lambda, and neither torch nor OpenMMLab.
SCRIPT = """
import sys
for name in ("torch", "mmengine", "mmcv", "mmseg", "mmdet", "matplotlib"):
    sys.modules[name] = None
print("started")
from helpers.tiny_pictures import CLASSES, PROTOCOL, by_brightness
from mmfan import SegmentationData, judge
import time

def slow(rgb):
    time.sleep({sleep})
    return by_brightness(rgb)

result = judge(lambda rgb: slow(rgb), SegmentationData("images", "labels", CLASSES), PROTOCOL, "r.jsonl", "mine",
               workers=2)
print("retention", result.retention)
"""


def start(folder, sleep=0.0):
    (folder / "script.py").write_text(SCRIPT.format(sleep=sleep))
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "script.py"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def workers_of(process):
    """Numbers of its worker processes."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in children.read_text().split()] if children.exists() else []


def test_a_plain_script_without_torch(data, tmp_path):
    expected = judge(by_brightness, data, PROTOCOL, workers=0, verbose=False)
    process = start(tmp_path)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert told.splitlines() == ["started", f"retention {expected.retention}"]
    assert "[5/5] brightness 5" in errors


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_it_leaves_whole_cells_and_no_process(data, tmp_path, number):
    process, results = start(tmp_path, sleep=0.15), tmp_path / "r.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(ResultsStore(results).records()) < 2:
        time.sleep(0.01)
    workers = workers_of(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == -number if number == signal.SIGKILL else "KeyboardInterrupt" in errors
    assert len(workers) == 2
    while time.monotonic() < deadline and any(is_alive(worker) for worker in workers):
        time.sleep(0.01)
    assert not any(is_alive(worker) for worker in workers)
    there = ResultsStore(results).records()
    assert [tuple(key_of(record)[1]) for record in there] == CELLS[: len(there)]
    assert 2 <= len(there) < 5
    process = start(tmp_path)
    told, errors = process.communicate(timeout=120)
    assert "retention" in told, errors
    assert f"{len(there)} of 5 cells are in r.jsonl" in errors
    assert ResultsStore(results).records()[: len(there)] == there


def is_alive(number):
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_wanted_but_not_there(data, monkeypatch):
    from mmfan.evaluation.function import stream

    monkeypatch.setattr(stream.os, "name", "nt")
    assert stream.workers_beside_model() == 0
    with pytest.raises(ValueError, match="judge with workers=0"):
        Workers(Preparation(0, data.reading), [NOISE], 1, 2)


def test_arrays_and_grey(tmp_path):
    given = [(np.full((40, 40), 100, np.uint8), np.zeros((40, 40), int), "a")]
    data = SegmentationData(given, classes=CLASSES)
    with Workers(Preparation(0, data.reading), [CLEAN], 1, 1) as workers:
        ((_, ready),) = workers.make(iter([Unit(0, 0, CLEAN, data.item(0))]))
    assert ready.picture.tolist() == [[[100] * 3] * 40] * 40
    assert ready.truth.dtype == np.uint8


def test_pictures_that_somebody_keeps_are_not_written_over(data):
    asked = units(data, 12)
    with Workers(Preparation(3, data.reading), [NOISE], 2, 4) as workers:
        kept = [ready.picture[3:, ::2] for _, ready in workers.make(iter(asked))]  # views too
        slots = sum(len(worker._slots) for worker in workers._all)
    here = [Preparation(3, data.reading).make(unit).picture[3:, ::2] for unit in asked]
    assert all((one == other).all() for one, other in zip(kept, here, strict=True))
    assert slots == 12
    with Workers(Preparation(3, data.reading), [NOISE], 2, 4) as workers:
        for _, ready in workers.make(iter(asked)):
            ready.picture[:] = 0
        assert sum(len(worker._slots) for worker in workers._all) <= 6  # memory is taken again


def test_sizes_that_change_and_errors_between(tmp_path):
    rng = np.random.default_rng(0)
    given = [
        (rng.integers(0, 256, (side, 3 * side, 3), np.uint8), np.zeros((side, 3 * side), np.uint8), str(side))
        for side in (40, 900, 50, 700, 60)
    ]
    given[2] = (given[2][0], np.zeros((3, 3), np.uint8), "50")
    data = SegmentationData(given, classes=CLASSES)
    asked = [Unit(0, place, CLEAN, data.item(place)) for place in (0, 1, 3, 4, 1, 0)]
    with Workers(Preparation(0, data.reading), [CLEAN], 1, 1) as workers:
        for unit, ready in workers.make(iter(asked)):
            assert (ready.picture == given[unit.place][0]).all()
            assert ready.truth.shape == ready.picture.shape[:2]
        with pytest.raises(ValueError, match="the picture 50 cannot be made: The label map of 50 is 3x3"):
            next(workers.make(iter([Unit(0, 2, CLEAN, data.item(2))])))
        ((_, ready),) = workers.make(iter(asked[1:2]))
        assert (ready.picture == given[1][0]).all()


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("cache", [0, 20_000, 10_000_000])
def test_with_and_without_a_cache_the_same_records(data, tmp_path, count, cache):
    found = judge(by_brightness, data, PROTOCOL, tmp_path / "r.jsonl", workers=count, cache=cache, verbose=False)
    plain = judge(by_brightness, data, PROTOCOL, tmp_path / "plain.jsonl", workers=0, cache=0, verbose=False)
    for one, other in zip(found.records, plain.records, strict=True):
        assert (one["metrics"], one["per_class"], key_of(one)) == (other["metrics"], other["per_class"], key_of(other))
        counts = [ResultsStore(tmp_path / name).read_counts(record) for name, record in
                  (("r.jsonl", one), ("plain.jsonl", other))]  # fmt: skip
        assert (counts[0].counts == counts[1].counts).all()


@pytest.mark.parametrize("count", [0, 2])
def test_what_is_judged_may_write_on_its_pictures(data, count):
    def predict(rgb):
        found = by_brightness(rgb)
        rgb[:] = 0
        return found

    found = judge(predict, data, PROTOCOL, workers=count, cache="10MB", verbose=False)
    assert found.clean == judge(by_brightness, data, PROTOCOL, workers=0, cache=0, verbose=False).clean
    assert found.retention == judge(by_brightness, data, PROTOCOL, workers=0, cache=0, verbose=False).retention


@pytest.mark.parametrize("count", [0, 2])
def test_each_picture_is_decoded_once(tmp_path, count):
    class Counted:
        asked = 0

        def __init__(self):
            self.items = [(picture, label, str(number)) for number, (picture, label) in enumerate(pairs(3))]

        def __len__(self):
            return 3

        def __getitem__(self, number):
            self.asked += 1
            return self.items[number]

    items = Counted()
    data = SegmentationData(items, classes=CLASSES)
    before = items.asked
    kept = judge(by_brightness, data, PROTOCOL, workers=count, cache="10MB", verbose=False)
    asked = items.asked - before
    again = judge(by_brightness, data, PROTOCOL, workers=count, cache=0, verbose=False)
    assert kept.retention == again.retention
    # the clean cell, and what workers are ahead by; without a cache each of the other four cells
    assert items.asked - before - asked - asked >= (1 if count else 4) * 3


def test_a_file_that_changes_meanwhile_is_judged_as_it_was(data, tmp_path):
    expected = judge(by_brightness, data, PROTOCOL, workers=0, verbose=False)
    calls = []

    def predict(rgb):
        calls.append(0)
        if len(calls) == 4:  # the one of the preflight, and the clean cell
            for place in range(3):
                Path(data.item(place).picture).write_bytes(b"damaged")
        return by_brightness(rgb)

    assert judge(predict, data, PROTOCOL, workers=0, verbose=False).retention == expected.retention
