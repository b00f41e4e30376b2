"""Child processes that end with their parent, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from mmfan.errors import MMFanError

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_PR_SET_PDEATHSIG = 1  # of Linux' prctl(2): the signal that the caller gets when the thread that started it ends
# Of the 108 bytes of an address (104 on macOS) one is the zero at the end, /pymp-12345678/listener-12345678 takes 32.
_LONGEST_FOLDER = (108 if sys.platform == "linux" else 104) - 1 - 32
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
_LOOK_EVERY = 2.0  # seconds between two looks at the parent where no event tells of its end


def end_with_parent() -> None:
    """End this process when its parent is gone, whatever it is doing then; Ctrl-C is left to the parent.

    To be called first thing in a child of :mod:`multiprocessing`; does nothing in any other process. On Linux the
    kernel ends a direct child, native code or not. Children of a forkserver, and those on other systems, are ended by a
    thread of their own, which native code that keeps Python's lock may delay.
    """
    import multiprocessing  # here: the quick commands have no use for it

    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _ask_for_death()
    threading.Thread(target=_wait_for, args=(parent, os.getppid() == parent.pid), daemon=True).start()


def end_with_starter(starter: int) -> None:
    """The same for a process that was started by a command line of its own: end it when its starter is gone.

    On Linux the kernel does so, native code or not, when the thread that started it ends. Elsewhere the process has to
    notice that nobody asks it any more.

    Args:
        starter: Number of the process that started this one.
    """
    _ask_for_death()
    if os.getppid() != starter:  # it ended in between
        os._exit(1)


def guard_forks() -> None:
    """Have every process that is forked from this one end with it, for as long as this process lives.

    Forked children get the default of SIGTERM back and leave Ctrl-C and SIGHUP to this process. For programs, not
    for libraries: it holds for all that is forked from now on. Where the kernel cannot do it (other systems than Linux)
    the children's own :func:`end_with_parent` is all there is.
    """
    if not hasattr(os, "register_at_fork"):
        return
    _prctl()  # looked up here: after a fork it is too late to load anything
    parent = [0]

    def begin() -> None:
        _leave_signals_to_parent()
        _ask_for_death()
        if os.getppid() != parent[0]:  # it ended in between
            os._exit(1)

    os.register_at_fork(before=lambda: parent.__setitem__(0, os.getpid()), after_in_child=begin)


def guard_started() -> None:
    """Do in a process that multiprocessing started anew what :func:`guard_forks` does in one that it forked.

    To be called while the main module of the program is imported there, before the work is: that may take seconds.
    """
    if sys.modules.get("__mp_main__") not in (None, sys.modules["__main__"]):
        _leave_signals_to_parent()
        _ask_for_death()
        guard_forks()
        from multiprocessing import util

        # of one that a forkserver has forked, the parent is known only when it begins its work
        util.register_after_fork(end_with_parent, lambda end: end())


def _leave_signals_to_parent() -> None:
    for kind, action in (("SIGINT", signal.SIG_IGN), ("SIGTERM", signal.SIG_DFL), ("SIGHUP", signal.SIG_IGN)):
        number = getattr(signal, kind, None)  # Windows has no SIGHUP
        if number is not None and callable(signal.getsignal(number)):  # what was ignored before stays ignored
            signal.signal(number, action)


def end_children() -> None:
    """Kill the processes that :mod:`multiprocessing` started from this one and that still run."""
    multiprocessing = sys.modules.get("multiprocessing")
    for child in multiprocessing.active_children() if multiprocessing else ():
        child.kill()


def shorten_sockets() -> None:
    """Have the sockets of :mod:`multiprocessing` lie in a folder whose path fits into the address of a socket.

    Loading processes hand their samples over by sockets that have names in the folder for temporary files. Where that
    folder's path is longer than an address may be, they would fail one after the other, and whoever waits for them
    hang. Does nothing where the path is short enough; holds for this process and those it starts.

    Raises:
        MMFanError: The path is too long, and no shorter folder can be written to.
    """
    given = tempfile.gettempdir()
    if os.name != "posix" or len(os.fsencode(given)) <= _LONGEST_FOLDER:
        return
    from multiprocessing import util

    former = tempfile.tempdir
    try:
        for folder in _SHORT_FOLDERS:
            if os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):
                tempfile.tempdir = folder
                util.get_temp_dir()  # is made once, and removed at the end
                return
    finally:
        tempfile.tempdir = former
    raise MMFanError(
        f"The folder for temporary files, {given} (TMPDIR), has a path of {len(os.fsencode(given))} bytes. Sockets of "
        f"loading processes take at most {_LONGEST_FOLDER}, and none of {', '.join(_SHORT_FOLDERS)} can be written to: "
        "set TMPDIR to a shorter path, or load in this process (num_workers=0)."
    )


def _ask_for_death() -> None:
    prctl = _prctl()
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@lru_cache(maxsize=1)
def _prctl() -> Callable[..., int] | None:
    return ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def _wait_for(parent: BaseProcess, is_direct: bool) -> None:
    from multiprocessing.connection import wait

    # of forked children each holds the pipes of those before it open, so that no end of a pipe tells of the parent's
    while not wait([parent.sentinel], _LOOK_EVERY):
        if is_direct and os.getppid() != parent.pid:
            break
    os._exit(1)
