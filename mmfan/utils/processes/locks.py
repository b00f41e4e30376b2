"""Locks on files: the system takes them back when their process ends, in whatever machine or container it ran."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO

_UNKNOWN_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


class NoLocksError(OSError):
    """Files cannot be locked: the system is not POSIX (Windows), or the file system has no locks (some on networks)."""


def lock(file: IO[bytes], *, wait: bool) -> bool:
    """Lock an open file for this process alone, until it is closed or the process ends.

    The lock is advisory: who does not ask for it reads and writes the file as ever.

    Args:
        file: Open for writing, which some network file systems ask for.
        wait: Wait for whoever holds it.

    Returns:
        Whether the file is locked now; False, without ``wait``, if another has it.

    Raises:
        NoLocksError: There are no locks here.
    """
    if os.name != "posix":
        raise NoLocksError(errno.ENOSYS, "This system has no POSIX file locks", file.name)
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _UNKNOWN_LOCKS:
            raise NoLocksError(error.errno, "This file system has no locks", file.name) from error
        raise
    return True


def is_at(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is still the one of that name.

    Who locks a file that its last holder removed meanwhile holds nothing: it has to be opened and locked anew.
    """
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
