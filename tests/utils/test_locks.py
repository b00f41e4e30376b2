"""Locks vanish with their process, and keep others out until then."""

import signal
import subprocess
import sys
import threading
import time

from mmfan.utils.locks import lock

HOLD = (
    "import sys, time; from mmfan.utils.locks import lock; file = open(sys.argv[1], 'ab'); "
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
