"""Locks of evidence: who comes second waits or is refused, and what is said where there are no locks."""

import os
import signal
import subprocess
import sys
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmfan.benchmark.robust import alone as module
from mmfan.benchmark.robust.alone import alone
from mmfan.errors import MMFanError
from mmfan.utils.processes.locks import NoLocksError

posix = pytest.mark.skipif(os.name != "posix", reason="no locks there")


@posix
def test_the_second_is_refused_until_the_first_is_done(tmp_path):
    path = tmp_path / "lock"
    with (
        alone(path, "cwfa-0 of out", wait=False),
        pytest.raises(
            MMFanError, match=r"^Another process is at cwfa-0 of out: wait for its end, or stop it\. It holds .*lock\.$"
        ),
        alone(path, "cwfa-0 of out", wait=False),
    ):
        pytest.fail("both are at it")
    assert not path.exists()
    with alone(path, "cwfa-0 of out", wait=False) as held:
        assert held is not None


@posix
def test_who_waits_comes_after_all_of_the_first(tmp_path):
    path, done = tmp_path / "lock", []

    def second():
        with alone(path, "it", wait=True):
            done.append("second")
            assert path.exists()  # not the file that the first one removed

    with ThreadPoolExecutor(1) as pool:
        with alone(path, "it", wait=True):
            waiting = pool.submit(second)
            with pytest.raises(futures.TimeoutError):
                waiting.result(0.2)
            done.append("first")
        waiting.result(10)
    assert done == ["first", "second"]
    assert not path.exists()


@posix
@pytest.mark.process
def test_a_training_whose_maker_was_killed_is_still_at_it(tmp_path):
    path = tmp_path / "lock"
    code = f"""
import os, subprocess
from pathlib import Path
from mmfan.benchmark.robust.alone import alone
with alone(Path({str(path)!r}), "it", wait=False) as held:
    print(subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, pass_fds=(held,)).pid, flush=True)
    os.kill(os.getpid(), 9)
"""
    made = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    child = int(made.stdout)
    try:
        with pytest.raises(MMFanError, match="Another process is at it"), alone(path, "it", wait=False):
            pytest.fail("the child holds it")
    finally:
        os.kill(child, signal.SIGKILL)
    with alone(path, "it", wait=True):  # what a killed process left is no lock
        pass
    assert not path.exists()


def test_an_error_at_work_gives_the_lock_back(tmp_path):
    with pytest.raises(KeyError), alone(tmp_path / "lock", "it", wait=False):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_without_locks_it_goes_on_and_says_so(tmp_path, monkeypatch):
    def none(file, wait):
        raise NoLocksError(37, "This file system has no locks", file.name)

    monkeypatch.setattr(module, "lock", none)
    said = []
    with alone(tmp_path / "lock", "cwfa-0 of out", wait=False, say=said.append) as held:
        assert held is None
    assert said == ["This file system has no locks: let no other command work on cwfa-0 of out at the same time."]
    with pytest.warns(UserWarning, match="This file system has no locks"), alone(tmp_path / "lock", "it", wait=True):
        pass
    assert list(tmp_path.iterdir()) == []
