"""Locks vanish with their process, and keep others out until then."""

import errno
import fcntl
import signal
import subprocess
import sys
import threading
import time

import pytest

from mmfan.utils.processes.locks import NoLocksError, is_at, lock

HOLD = (
    "import sys, time; from mmfan.utils.processes.locks import lock; file = open(sys.argv[1], 'ab'); "
    "print(lock(file, wait=False), flush=True); time.sleep(60)"
)


def test_held_until_the_process_is_gone(tmp_path):
    path = tmp_path / "file"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "True\n"
    with open(path, "ab") as file:
        assert lock(file, wait=False) is False
        waited = []
        thread = threading.Thread(target=lambda: waited.append(lock(file, wait=True)))
        thread.start()
        time.sleep(0.1)
        assert waited == []
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        thread.join(10)
        assert waited == [True]
        with open(path, "ab") as other:
            assert lock(other, wait=False) is False
    with open(path, "ab") as file:
        assert lock(file, wait=False) is True


def test_file_systems_without_locks_are_told_from_what_else_fails(tmp_path, monkeypatch):
    number = errno.ENOLCK

    def fail(*_):
        raise OSError(number, "cannot")

    monkeypatch.setattr(fcntl, "flock", fail)
    with open(tmp_path / "file", "ab") as file:
        with pytest.raises(NoLocksError, match="This file system has no locks") as caught:
            lock(file, wait=False)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOLCK, str(tmp_path / "file"))
        number = errno.EIO
        with pytest.raises(OSError, match="cannot") as caught:
            lock(file, wait=False)
        assert not isinstance(caught.value, NoLocksError)


def test_a_file_that_was_removed_or_replaced_is_another(tmp_path):
    path = tmp_path / "file"
    with open(path, "ab") as file:
        assert is_at(file, path)
        path.unlink()
        assert not is_at(file, path)
        path.touch()
        assert not is_at(file, path)
