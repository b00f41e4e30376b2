"""Work that one process does at a time: a lock file beside what is changed, removed when the work is done."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mmfan.errors import MMFanError
from mmfan.utils.processes.locks import NoLocksError, is_at, lock


@contextmanager
def alone(path: Path, what: str, *, wait: bool, say: Callable[[str], object] = warnings.warn) -> Iterator[int | None]:
    """Do something within a ``with`` block that no other process does.

    Args:
        path: The lock file; its folder is there.
        what: It is done to, for messages.
        wait: For another process that is at it.
        say: Receives a sentence where files cannot be locked, and nobody is kept out.

    Yields:
        The descriptor of the lock file, which a process that inherits it holds as well; None where there are no locks.

    Raises:
        MMFanError: On entry, without ``wait``: another process is at it.
        OSError: The lock file cannot be written.
    """
    try:
        file = _take(path, wait)
    except NoLocksError as error:
        say(f"{error.strerror}: let no other command work on {what} at the same time.")
        with suppress(OSError):
            path.unlink()
        file = None
    else:
        if file is None:
            raise MMFanError(f"Another process is at {what}: wait for its end, or stop it. It holds {path}.")
    if file is None:
        yield None
        return
    with file:
        try:
            yield file.fileno()
        finally:
            path.unlink(missing_ok=True)  # before it is unlocked: who opened it meanwhile sees that it is gone


def _take(path: Path, wait: bool) -> IO[bytes] | None:
    """Open and lock a lock file; None where another process has it."""
    while True:
        file = open(path, "a+b")  # noqa: SIM115 - the lock lasts until the caller closes it
        try:
            if not lock(file, wait=wait):
                file.close()
                return None
        except BaseException:
            file.close()
            raise
        if is_at(file, path):
            return file
        file.close()  # its holder ended, and removed it, between our opening and our locking
