"""One run a shard: nobody is kept out by a run that is gone, and nobody comes in beside one that is there."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from mmfan.datasets.corrupted.making.lock import BusyTargetError, shard_lock
from mmfan.utils.processes import locks
from mmfan.utils.processes.shards import WHOLE, Shard


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".making/lock-1-of-1.json"


def enter(target, shard=WHOLE, say=print):
    with shard_lock(target, shard, say):
        pass


def test_held_and_given_back(tmp_path, path):
    with shard_lock(tmp_path, WHOLE, print):
        assert json.loads(path.read_text())["pid"] == os.getpid()
        with pytest.raises(BusyTargetError, match=rf"process {os.getpid()} on this machine \(shard 1/1\)"):
            enter(tmp_path)
        assert path.exists()
    assert not path.parent.exists()
    enter(tmp_path)


def test_given_back_after_an_error(tmp_path, path):
    with pytest.raises(KeyboardInterrupt), shard_lock(tmp_path, WHOLE, print):
        raise KeyboardInterrupt
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "content", [None, '{"pid": 1, "host": "node17", "shard": "1/1"}', "", "[", '{"pid": [1]}', "7"]
)
@pytest.mark.process
def test_the_file_of_a_run_that_is_gone_blocks_nobody(tmp_path, path, content):
    """Killed a moment ago, or on another host, or in a container of long ago, or by a version that wrote otherwise."""
    if content is None:
        code = (
            "import os; from mmfan.datasets.corrupted.making import lock; from mmfan.utils.processes import shards\n"
            f"with lock.shard_lock({str(tmp_path)!r}, shards.WHOLE, print): os.kill(os.getpid(), 9)"
        )
        assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    else:
        path.parent.mkdir()
        path.write_text(content)
    assert path.exists()
    with shard_lock(tmp_path, WHOLE, print):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not path.parent.exists()


def test_who_holds_it_is_told_as_well_as_the_file_says(tmp_path, path):
    for content, said in (
        ('{"pid": 5, "host": "node17", "shard": "1/1"}', r"process 5 on node17 \(shard 1/1\)\. Wait for it"),
        ("", "made by another process. Wait for it"),
        ('{"pid": 5}', "made by another process"),
        ("[5]", "made by another process"),
    ):
        with shard_lock(tmp_path, WHOLE, print):
            path.write_text(content)
            with pytest.raises(BusyTargetError, match=said):
                enter(tmp_path)


@pytest.mark.process
def test_shards_of_another_count_overlap(tmp_path, path):
    with shard_lock(tmp_path, Shard(1, 3), print), shard_lock(tmp_path, Shard(2, 3), print):
        with pytest.raises(BusyTargetError, match="shard 1/3"):
            enter(tmp_path, Shard(1, 2))
        assert not (path.parent / "lock-1-of-2.json").exists()
    path.parent.mkdir()
    (path.parent / "lock-2-of-5.json").write_text('{"pid": 1, "host": "node17", "shard": "2/5"}')
    with shard_lock(tmp_path, Shard(1, 2), print):
        assert not (path.parent / "lock-2-of-5.json").exists()


def test_one_of_many_takes_over(tmp_path, path):
    path.parent.mkdir()
    path.write_text('{"pid": 1, "host": "node17", "shard": "1/1"}')
    start, done, entered, refused = threading.Barrier(8), threading.Event(), [], []

    def take():
        start.wait()
        try:
            with shard_lock(tmp_path, WHOLE, print):
                entered.append(1)
                done.wait()
        except BusyTargetError:
            refused.append(1)
            if len(refused) == 7:
                done.set()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    done.set()
    assert (len(entered), len(refused)) == (1, 7)
    assert not path.parent.exists()


@pytest.mark.slow
def test_in_and_out_without_a_pause(tmp_path, path):
    """Files that are removed and made again all the time never let two in at once."""
    inside, most, errors, ended = [], [], [], threading.Event()

    def take():
        while not ended.is_set():
            try:
                with shard_lock(tmp_path, WHOLE, print):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except BusyTargetError:
                pass
            except (OSError, RuntimeError) as error:
                errors.append(error)
                ended.set()
            if len(most) > 300:
                ended.set()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended.is_set()
    assert errors == []
    assert set(most) == {1}
    (tmp_path / ".making").write_text("in the way")
    with pytest.raises(FileExistsError):
        enter(tmp_path)


def test_where_there_are_no_locks_a_person_is_told(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    said = []
    with shard_lock(tmp_path, Shard(2, 3), said.append):
        pass
    assert said == [f"This file system has no locks: let no other run make shard 2/3 of {tmp_path} at the same time."]
    monkeypatch.undo()
    monkeypatch.setattr(locks.os, "name", "nt")
    with open(tmp_path / "file", "wb") as file, pytest.raises(locks.NoLocksError, match="no POSIX file locks"):
        locks.lock(file, wait=False)
