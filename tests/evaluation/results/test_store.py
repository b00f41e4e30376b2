"""The results file: what a record is, what is refused, what a torn line comes to."""

import errno
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.results.store import (
    DuplicateRecordError,
    ResultsError,
    ResultsStore,
    RunKey,
    group_runs,
    is_defined,
    key_of,
)

MINIMAL = {"model": "fan-t", "dataset": "cityscapes", "corruption": "fog", "severity": 3, "metrics": {"mIoU": 0.6123}}
FULL = MINIMAL | {"config_hash": "c1", "checkpoint_hash": "w1", "seed": 0, "pictures": "p1", "limit": 5}


@pytest.fixture
def store(tmp_path):
    return ResultsStore(tmp_path / "folder" / "results.jsonl")


def at(severity, **others):
    return MINIMAL | {"severity": severity} | others


def test_whose_a_record_is():
    assert key_of(MINIMAL) == (RunKey("fan-t", None, None, "cityscapes", None, None), Cell("fog", 3))
    assert key_of(FULL)[0] == RunKey("fan-t", "c1", "w1", "cityscapes", 0, "p1")
    assert key_of(MINIMAL | {"limit": 5})[0].pictures == 5
    assert key_of(at(0, corruption="clean"))[1] == CLEAN


def test_a_store_without_a_file_is_empty(store):
    assert store.records() == []
    assert store.done(key_of(MINIMAL)[0]) == set()
    assert not store.path.exists()


def test_append_and_read_back(store):
    third = 1 / 3
    record = FULL | {
        "metrics": {"mIoU": np.float64(third), "aAcc": np.float32(0.5), "AP": math.nan},
        "per_class": {"IoU": {"road": np.float64(0.1), "train": float("nan")}},
        "counts": None,
        "classes": ("road", "train"),
        "seconds": np.array([1.5, 2.5]),
        "pictures": np.int64(4),
    }
    store.append(record | {"pictures": 4})
    store.append(at(4, model="Größe"))
    assert store.path.read_text(encoding="utf-8").count("\n") == 2
    first, second = store.records()
    assert first["metrics"] == {"mIoU": third, "aAcc": 0.5, "AP": None}  # unrounded; strict JSON has no NaN
    assert first["per_class"] == {"IoU": {"road": 0.1, "train": None}}
    assert first["seconds"] == [1.5, 2.5]
    assert first["classes"] == ["road", "train"]
    assert second["model"] == "Größe"


def test_a_record_and_the_entry_of_a_new_file_are_on_the_disk_when_append_returns(store, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle)))
    store.append(at(1))
    file, folder = synced
    assert (file.st_ino, file.st_size) == (store.path.stat().st_ino, store.path.stat().st_size)
    assert folder.st_ino == store.path.parent.stat().st_ino
    synced.clear()
    store.append(at(2))
    assert [(found.st_ino, found.st_size) for found in synced] == [(file.st_ino, store.path.stat().st_size)]


def test_whether_a_score_is_defined():
    assert [is_defined(score) for score in (0, 0.5, 1, np.float32(0.5))] == [True] * 4
    assert [is_defined(score) for score in (None, math.nan, np.float64("nan"))] == [False] * 3


def test_done_is_of_one_run_alone(store):
    store.append(FULL)
    store.append(FULL | {"corruption": "clean", "severity": 0})
    other = [FULL | {"checkpoint_hash": "w2", "severity": 1}, FULL | {"seed": 1}, FULL | {"pictures": "p2"}, MINIMAL]
    for record in other:
        store.append(record)
    assert store.done(key_of(FULL)[0]) == {Cell("fog", 3), CLEAN}
    assert [len(records) for records in group_runs(store.records()).values()] == [2, 1, 1, 1, 1]


def test_no_cell_twice(store):
    store.append(FULL)
    before = store.path.read_bytes()
    with pytest.raises(DuplicateRecordError, match=r"results\.jsonl has a record of fog 3 for the model 'fan-t'"):
        store.append(FULL | {"metrics": {"mIoU": 0.9}})
    assert store.path.read_bytes() == before


def test_a_file_written_by_hand(store):
    store.path.parent.mkdir()
    lines = [json.dumps(at(severity)) for severity in (1, 2)]
    store.path.write_text("\n" + lines[0] + "\r\n\n" + lines[1])  # blank lines, Windows ends, no end of the last line
    assert [record["severity"] for record in store.records()] == [1, 2]
    store.append(at(3))
    assert [record["severity"] for record in store.records()] == [1, 2, 3]


def test_the_torn_line_of_a_killed_run(store):
    store.append(at(1))
    whole = store.path.read_bytes()
    line = json.dumps(at(2, model="Größe"), ensure_ascii=False).encode() + b"\n"
    for length in range(1, len(line) - 1):  # a line without its end alone is whole
        store.path.write_bytes(whole + line[:length])
        with pytest.warns(UserWarning, match=r"results\.jsonl, line 2: passed over"):
            assert [record["severity"] for record in store.records()] == [1]
    store.append(at(3))
    assert [record["severity"] for record in store.records()] == [1, 3]
    assert store.path.with_name("results.jsonl.torn").read_bytes() == line[: len(line) - 2] + b"\n"
    store.path.write_bytes(whole + line[:-1])
    store.append(at(3))
    assert [record["severity"] for record in store.records()] == [1, 2, 3]


@pytest.mark.parametrize("bad", [b'{"model": ', b"\xff\xfe", b"[1, 2]", b'{"model": "a"}'])
def test_a_bad_line_elsewhere_names_file_and_line(store, bad):
    store.append(at(1))
    store.path.write_bytes(store.path.read_bytes() + bad + b"\n" + json.dumps(at(2)).encode() + b"\n")
    with pytest.raises(ResultsError, match=r"results\.jsonl, line 2: "):
        store.records()
    with pytest.raises(ResultsError, match="line 2"):
        store.append(at(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": ""}, "`model` must be a text"),
        ({"dataset": None}, "`dataset` must be a text"),
        ({"severity": 2.0}, "`severity` must be a whole number"),
        ({"severity": True}, "`severity` must be a whole number"),
        ({"severity": 0}, "severity 0 is that of the clean pictures"),
        ({"corruption": "clean"}, "severity 0 is that of the clean pictures"),
        ({"metrics": {}}, "`metrics` must be a dict"),
        ({"metrics": {"mIoU": "0.5"}}, "metric 'mIoU' must be a number"),
        ({"metrics": {"mIoU": True}}, "metric 'mIoU' must be a number"),
        ({"metrics": {"mIoU": math.inf}}, "infinite"),
        ({"metrics": {"mIoU": 10**400}}, "metric 'mIoU' must be a number and not infinite"),  # which no float holds
        ({"extra": [{"x": -math.inf}]}, "A record cannot hold an infinite number"),
        ({"seed": [1]}, "`seed` must be"),
        ({"extra": object()}, "object"),
    ],
)
def test_what_is_no_record(store, change, message):
    with pytest.raises(ResultsError, match=message):
        store.append(MINIMAL | change)
    assert not store.path.exists()


def test_all_problems_of_a_record_at_once():
    with pytest.raises(ResultsError, match=r"`model`.*`dataset`.*`corruption`.*`severity`.*`metrics`"):
        key_of({})
    with pytest.raises(ResultsError, match="Expected a record"):
        key_of([])


@pytest.mark.process
@pytest.mark.slow
def test_a_full_disk_leaves_the_file_as_it_was(store):
    store.append(at(1))
    before = store.path.read_bytes()
    code = (
        "import resource, sys\n"
        "from mmfan.evaluation.results.store import ResultsStore\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 20}, {len(before) + 20}))\n"
        f"ResultsStore(sys.argv[1]).append({at(2)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, check=False)
    assert "OSError" in done.stderr
    assert store.path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(store):
    store.path.parent.mkdir(mode=0o500)
    with pytest.raises(PermissionError):
        store.append(MINIMAL)


def test_where_files_cannot_be_locked(store, monkeypatch):
    def refuse(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.warns(UserWarning, match="let one run at a time write"):
        store.append(MINIMAL)
    assert store.records() == [MINIMAL]


def test_counts_are_kept_beside(store):
    counts = np.arange(12).reshape(2, 2, 3)
    record = dict(FULL, model="fan/t Größe")
    del record["metrics"]
    record["counts"] = store.write_counts(record, counts, ["a.png", "b.png"], ["road", "sky"])
    store.append(record | {"metrics": {"mIoU": 0.5}})
    assert str(record["counts"]).startswith("results.jsonl.counts/fan_t_Gr_e-fog-3-")
    found = store.read_counts(store.records()[0])
    assert found.counts.tolist() == counts.tolist()
    assert (found.pictures, found.classes) == (("a.png", "b.png"), ("road", "sky"))
    other = store.write_counts(record | {"checkpoint_hash": "w2"}, counts, ["a.png", "b.png"])
    assert other != record["counts"]
    (store.path.parent / record["counts"]).unlink()
    with pytest.raises(ResultsError, match="is gone: the counts of fog 3"):
        store.read_counts(store.records()[0])
    with pytest.raises(ResultsError, match="has no counts"):
        store.read_counts(MINIMAL)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(min_size=1).filter(lambda text: text.isprintable()), st.floats(0, 1), json_values)
@pytest.mark.slow
def test_what_is_written_is_read(tmp_path_factory, model, score, extra):
    store = ResultsStore(tmp_path_factory.mktemp("store") / "r.jsonl")
    record = MINIMAL | {"model": model, "metrics": {"mIoU": score}, "note": extra}
    store.append(record)
    assert store.records() == [record]


def test_a_full_disk_is_named_and_leaves_the_file_as_it_was(store, monkeypatch):
    store.append(MINIMAL)
    before = store.path.read_bytes()

    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left") as full:
        store.append(at(5))
    assert full.value.filename == str(store.path)
    assert store.path.read_bytes() == before
