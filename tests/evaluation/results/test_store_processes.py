"""Runs that are killed, and runs that write at once: no cell lost, none twice."""

import random
import subprocess
import sys
import time

import numpy as np
import pytest

from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.results.store import ResultsStore, key_of

pytestmark = [pytest.mark.process, pytest.mark.slow]

CELLS = PROTOCOLS["kamann16"].cells
# goes through the cells that are not there yet, as an evaluation does; long lines, so that a kill may tear one
WORK = """
import sys, time
import numpy as np
from mmfan.evaluation.protocol import PROTOCOLS
from mmfan.evaluation.results.store import DuplicateRecordError, ResultsStore, key_of
store, pause = ResultsStore(sys.argv[1]), float(sys.argv[2])
base = {"model": "m", "dataset": "d", "corruption": "fog", "severity": 1, "seed": 0, "metrics": {"mIoU": 0.5}}
done = store.done(key_of(base)[0])
print("ready", flush=True)
for number, cell in enumerate(PROTOCOLS["kamann16"].cells):
    if cell in done:
        continue
    record = dict(base, corruption=cell.corruption, severity=cell.severity, metrics={"mIoU": number / 72})
    record["filling"] = "x" * 20_000
    record["counts"] = store.write_counts(record, np.full((2, 2, 3), number), ["a", "b"])
    try:
        store.append(record)
    except DuplicateRecordError:
        print("refused", flush=True)
    time.sleep(pause)
"""


def start(path, pause):
    worker = subprocess.Popen([sys.executable, "-c", WORK, str(path), str(pause)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "ready\n"
    return worker


def check(store):
    records = store.records()
    assert sorted(key_of(record)[1] for record in records) == sorted(CELLS)
    for record in records:
        number = CELLS.index(key_of(record)[1])
        assert record["metrics"]["mIoU"] == number / 72
        assert np.all(store.read_counts(record).counts == number)
    counted = list((store.path.parent / f"{store.path.name}.counts").iterdir())
    assert {path.suffix for path in counted} <= {".npz", ".part"}


def test_killed_ten_times(tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    moment = random.Random(0)
    finished = []
    for _ in range(10):
        worker = start(store.path, 0.002)
        time.sleep(moment.uniform(0.0, 0.04))
        worker.kill()
        worker.communicate()
        finished.append(store.path.read_bytes().count(b"\n") if store.path.exists() else 0)
    assert finished == sorted(finished)  # nothing that was there is lost
    assert finished[0] < len(CELLS)  # the kills did interrupt
    last = start(store.path, 0)
    last.communicate()
    assert last.returncode == 0
    check(store)


def test_two_at_once(tmp_path):
    store = ResultsStore(tmp_path / "r.jsonl")
    workers = [start(store.path, 0.0) for _ in range(2)]
    refused = sum(worker.communicate()[0].count("refused") for worker in workers)
    assert [worker.returncode for worker in workers] == [0, 0]
    check(store)
    assert refused <= len(CELLS)


# goes through all cells in its own order, and takes over what another run has put there first
SHARING = """
import random, sys
from mmfan.evaluation.results.counts_file import PictureCounts
from mmfan.evaluation.results.store import ResultsStore, key_of
path, name, cells = sys.argv[1], sys.argv[2], [("clean", 0)] + [("fog", n) for n in range(1, 25)]
store = ResultsStore(path)
random.Random(name).shuffle(cells)
for corruption, severity in cells:
    record = {"model": "m", "dataset": "d", "corruption": corruption, "severity": severity, "metrics": {"mIoU": 0.5},
              "by": name}
    counts = PictureCounts([[[int(name), 0, 0]]], (f"picture {name}",))
    found, is_own = store.settle(record, counts)
    assert is_own == (found["by"] == name)
"""


def test_runs_that_share_cells_agree_on_one_record_each(tmp_path):
    path = tmp_path / "r.jsonl"
    runs = [subprocess.Popen([sys.executable, "-c", SHARING, str(path), str(name)]) for name in range(4)]
    assert [run.wait(60) for run in runs] == [0] * 4
    store = ResultsStore(path)
    records = store.records()
    cells = [key_of(record)[1] for record in records]
    assert len(cells) == len(set(cells)) == 25
    # the counts beside the file are those of the run whose record stands
    assert all(store.read_counts(record).pictures == (f"picture {record['by']}",) for record in records)
