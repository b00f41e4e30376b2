import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from mmfan.datasets.corrupted.making import lock as locking
from mmfan.datasets.corrupted.making.lock import BusyTargetError, ShardLock
from mmfan.datasets.corrupted.making.shards import WHOLE, Shard


@pytest.fixture
def path(tmp_path):
    (tmp_path / ".making").mkdir()
    return tmp_path / ".making/lock-1-of-1.json"


def write(path, **holder):
    standard = {"pid": os.getpid(), "host": socket.gethostname(), "started": None, "shard": "1/1", "token": "x"}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**standard, **holder}))


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_held_and_given_back(tmp_path, path):
    with ShardLock(tmp_path, WHOLE):
        assert json.loads(path.read_text())["pid"] == os.getpid()
        with pytest.raises(BusyTargetError, match=f"process {os.getpid()} on this machine"), ShardLock(tmp_path, WHOLE):
            pass
        assert path.exists()
    assert not path.exists()
    with ShardLock(tmp_path, WHOLE):
        pass


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path, path):
    write(path, pid=dead_pid())
    with ShardLock(tmp_path, WHOLE):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not path.parent.exists()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs the start time of a process")
def test_the_lock_of_a_process_whose_number_was_given_to_another(tmp_path, path):
    write(path, pid=os.getpid(), started="1")
    with ShardLock(tmp_path, WHOLE):
        pass


def test_the_lock_of_another_machine_is_left_alone(tmp_path, path):
    write(path, pid=1, host="node17")
    with pytest.raises(BusyTargetError, match=f"process 1 on node17 .*If that run is gone, delete {path}"):
        ShardLock(tmp_path, WHOLE).__enter__()
    assert path.exists()


def test_a_lock_that_was_never_written(tmp_path, path, monkeypatch):
    monkeypatch.setattr(locking, "EMPTY_AFTER", 0.2)
    path.write_text("")
    with ShardLock(tmp_path, WHOLE):
        pass


def test_shards_of_another_count_overlap(tmp_path, path):
    with ShardLock(tmp_path, Shard(1, 3)), ShardLock(tmp_path, Shard(2, 3)):
        with pytest.raises(BusyTargetError, match="shard 1/3"):
            ShardLock(tmp_path, Shard(1, 2)).__enter__()
        assert not (path.parent / "lock-1-of-2.json").exists()
    write(path.parent / "lock-2-of-5.json", pid=dead_pid(), shard="2/5")
    with ShardLock(tmp_path, Shard(1, 2)):
        assert not (path.parent / "lock-2-of-5.json").exists()


def test_one_of_many_takes_over(tmp_path, path):
    write(path, pid=dead_pid())
    locks = [ShardLock(tmp_path, WHOLE) for _ in range(8)]
    start, got = threading.Barrier(8), []

    def enter(lock):
        start.wait()
        try:
            lock.__enter__()
            got.append(lock)
        except BusyTargetError:
            pass

    threads = [threading.Thread(target=enter, args=(lock,)) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    got[0].__exit__()
    assert not path.parent.exists()
