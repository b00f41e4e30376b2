"""What is kept of decoded pictures: the same bytes, within its limit, in whichever process."""

import logging
import multiprocessing
import os

import numpy as np
import pytest
from helpers.kept_arrays import arrays, put_all

from mmfan.evaluation.judging.kept import Kept, cache_size, kept_or_none

pytestmark = pytest.mark.skipif(os.name != "posix", reason="memory is shared by file descriptors")


def test_what_was_put_is_found():
    kept = Kept(4, 1 << 20)
    picture, label = arrays(1)[0], arrays(1, (30, 7))[0]
    assert kept.get(0) is None
    assert kept.put(0, picture, "a.png")
    assert kept.put(3, label, "a.png")
    assert (kept.get(0, "a.png") == picture).all()
    assert (kept.get(3, "a.png") == label).all()
    assert kept.get(3, "a.png").shape == (30, 7)
    assert kept.get(0, "b.png") is None
    assert kept.get(1, "a.png") is None
    assert kept.find(0, "a.png").shape == (40, 50, 3)
    assert kept.put(0, picture, "a.png")  # it is there already
    assert not kept.put(0, picture, "b.png")
    assert kept.used == 6016 + 256  # in steps of 64 bytes
    kept.clear()
    assert kept.get(0, "a.png") is None
    assert kept.used == 0
    assert kept.put(0, picture[::-1], "a.png")
    assert (kept.get(0, "a.png") == picture[::-1]).all()


def test_what_was_found_once_is_forgotten_with_the_rest():
    kept = Kept(2, 1 << 20)
    other = Kept(2, 1 << 20, kept.memory)  # as another process has it
    wide, high = arrays(1, (4, 6))[0], arrays(1, (6, 4))[0]
    kept.put(0, wide, "a.png")
    assert (other.get(0, "a.png") == wide).all()
    assert (other.get(0, "a.png") == wide).all()
    assert other.get(0, "b.png") is None
    kept.clear()
    assert other.get(0, "a.png") is None
    kept.put(0, high, "a.png")  # in the same place
    assert other.get(0, "a.png").shape == (6, 4)
    assert (other.get(0, "a.png") == high).all()


def test_no_more_than_the_limit():
    kept = Kept(9, 20_000)
    given = arrays(9)
    assert [kept.put(number, array) for number, array in enumerate(given)] == [True] * 3 + [False] * 6
    assert kept.used <= 20_000
    assert all((kept.get(number) == array).all() for number, array in enumerate(given[:3]))
    assert kept.put(8, arrays(1, (10, 10))[0])  # what is smaller may still have room
    assert kept.memory.size <= 20_000 + 10 * 64


def test_what_cannot_be_kept():
    kept = Kept(2, 1 << 20)
    assert not kept.put(0, np.zeros((3, 3), np.int64))
    assert not kept.put(0, np.zeros((0, 3), np.uint8))
    assert kept.get(0) is None


def test_memory_that_is_not_there(monkeypatch):
    kept = Kept(2, 1 << 20)

    def none_left(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept.memory, "take", none_left)
    assert not kept.put(0, arrays(1)[0])
    assert kept.get(0) is None


@pytest.mark.process
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_put_and_find(method):
    kept = Kept(6, 1 << 20)
    context = multiprocessing.get_context(method)
    started = [context.Process(target=put_all, args=(kept, first)) for first in (0, 1)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0]
    assert all((kept.get(number, str(number)) == array).all() for number, array in enumerate(arrays(6)))


def test_its_size(monkeypatch):
    monkeypatch.setattr("mmfan.evaluation.judging.kept.free_memory", lambda: 4_000)
    assert cache_size(None, {}) == 1_000
    assert cache_size(None, {"LOCAL_WORLD_SIZE": "2"}) == 500
    assert cache_size("2GB") == 2 * 10**9
    assert cache_size(0) == 0
    with pytest.raises(ValueError, match="`cache`"):
        cache_size("some")


def test_nothing_is_kept_where_nothing_may_be_or_can_be(monkeypatch, caplog):
    assert kept_or_none(3, 0, logging.getLogger()) is None
    assert not caplog.records
    monkeypatch.setattr("mmfan.utils.processes.shared_memory.CAN_SHARE", False)
    assert kept_or_none(3, 100, logging.getLogger()) is None
    assert "Decoded pictures are not kept, but decoded anew for every cell: this system" in caplog.text
