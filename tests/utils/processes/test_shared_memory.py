import copy
import gc
import multiprocessing
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from mmfan.utils.processes.shared_memory import SharedMemory

pytestmark = pytest.mark.skipif(os.name != "posix", reason="memory is shared by file descriptors")


def test_zeros_that_stay_as_long_as_an_array_of_them():
    memory = SharedMemory(10_000)
    part = memory.array(5000, 3)
    assert part.tolist() == [0, 0, 0]
    part[:] = 7
    assert memory.array(4999, 5).tolist() == [0, 7, 7, 7, 0]
    handle = memory.handle
    assert copy.deepcopy(memory) is memory
    del memory
    gc.collect()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(handle)
    assert part.tolist() == [7, 7, 7]


def test_a_large_size_takes_nothing_until_it_is_used():
    memory = SharedMemory(1 << 36)
    assert os.fstat(memory.handle).st_blocks == 0
    memory.take(1 << 30, 1 << 16)
    assert 0 < os.fstat(memory.handle).st_blocks * 512 < 1 << 20


def add_one(memory, times):
    for _ in range(times):
        with memory.locked():
            value = int(memory.array(0, 1)[0])
            time.sleep(0.0005)
            memory.array(0, 1)[0] = value + 1


@pytest.mark.process
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_share_it_and_keep_each_other_out(method):
    memory = SharedMemory(100)
    context = multiprocessing.get_context(method)
    started = [context.Process(target=add_one, args=(memory, 20)) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0]
    assert memory.array(0, 1)[0] == 40


@pytest.mark.process
def test_a_process_that_is_killed_leaves_nothing_behind_and_no_lock(tmp_path):
    memory = SharedMemory(100)
    code = (
        "import sys, time; from mmfan.utils.processes.shared_memory import SharedMemory\n"
        f"memory = SharedMemory(100, {memory.handle}); more = SharedMemory(1 << 24); more.take(0, 1 << 24)\n"
        "with memory.locked():\n    print('locked', flush=True); time.sleep(60)"
    )
    before = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, pass_fds=[memory.handle],
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout.readline() == "locked\n"
    process.kill()
    process.communicate()
    with memory.locked():
        memory.array(0, 1)[0] = 1
    assert not list(tmp_path.iterdir())
    assert not os.path.isdir("/dev/shm") or not {n for n in set(os.listdir("/dev/shm")) - before if "mmfan" in n}


def test_a_system_without_it(monkeypatch):
    monkeypatch.setattr("mmfan.utils.processes.shared_memory.CAN_SHARE", False)
    with pytest.raises(OSError, match="shares no memory"):
        SharedMemory(10)


def test_without_memfd(monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    memory = SharedMemory(5000)
    memory.take(0, 5000)
    memory.array(0, 2)[:] = 3
    assert np.count_nonzero(memory.array(0, 5000)) == 2
