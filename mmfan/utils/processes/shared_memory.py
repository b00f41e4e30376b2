"""Memory that processes share by handing on its file descriptor: without a name, and gone with the last that holds it.

Unlike :mod:`multiprocessing.shared_memory` it leaves nothing behind whatever ends the processes, and it does not count
against the size of ``/dev/shm``, which containers keep small.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

if os.name == "posix":
    import fcntl

CAN_SHARE = os.name == "posix"


class SharedMemory:
    """Zeros at first, readable and writable by every process that has it.

    Memory is taken when it is written to, or with :meth:`take`: a large size costs nothing by itself.

    Args:
        size: In bytes.
        handle: File descriptor of memory that another process has made, which is then this object's; None makes it.

    Attributes:
        handle: The file descriptor.

    Raises:
        OSError: There is not so much, or the system has none to share.
    """

    def __init__(self, size: int, handle: int | None = None) -> None:
        self.size, self.handle = size, -1
        if not CAN_SHARE:
            raise OSError("this system shares no memory by file descriptors")
        self.handle = _anonymous() if handle is None else handle
        if handle is None:
            os.ftruncate(self.handle, size)
        self._map = mmap.mmap(self.handle, size)

    def array(self, start: int, count: int) -> NDArray[np.uint8]:
        """Bytes of it, (count,) uint8; the memory stays as long as an array or a view of one."""
        return np.frombuffer(self._map, np.uint8, count, start)

    def take(self, start: int, count: int) -> None:
        """Have the system give the memory for some bytes of it now.

        Raises:
            OSError: It has no more: writing would end the process.
        """
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self.handle, start, count)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out; a process that dies within lets them in."""
        fcntl.lockf(self.handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self.handle, fcntl.LOCK_UN)

    def close_handle(self) -> None:
        """Close the file descriptor; what is mapped stays."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def __del__(self) -> None:
        self.close_handle()

    def __deepcopy__(self, memo: Any) -> SharedMemory:
        return self

    def __reduce__(self) -> Any:
        """Handed to a process that multiprocessing starts anew, with a descriptor of its own."""
        from multiprocessing import reduction

        return _of_other, (self.size, reduction.DupFd(self.handle))


def _of_other(size: int, handle: Any) -> SharedMemory:
    return SharedMemory(size, handle.detach())


def _anonymous() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("mmfan", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:  # its name is gone already
        return os.dup(file.fileno())
