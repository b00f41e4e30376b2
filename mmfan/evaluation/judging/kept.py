"""Decoded pictures and truths that are kept in memory, within a stated amount, for the cells that follow.

A protocol takes every picture through its decoder once a cell, and of a corrupted picture decoding is a third of the
work. What was decoded for the first cell is kept until there is no more room; the rest is decoded anew each time: cells
go through the pictures in one order, so that giving the oldest up would keep nothing. The memory is shared by the
processes that make pictures ready: each picture is kept once, whichever process takes it next.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmfan.utils.processes.shared_memory import SharedMemory
from mmfan.utils.resources import free_memory, processes_beside, read_bytes

SHARE = 4  # one part in so many of the memory that is free, by default
# Of an entry: where it begins (0: it is not there), axes, three sides, of what, and two to spare. The last entry is of
# all of them: bytes taken, and how often everything was forgotten.
_FIELDS = 8
_NUMBER = 8  # bytes
_LINE = 64  # arrays begin at such multiples


def cache_size(asked: int | str | None, environment: Mapping[str, str] | None = None) -> int:
    """Bytes that may be kept.

    Args:
        asked: A number of bytes, a text such as ``'2GB'``, 0 for nothing; None for a quarter of what is free to this
            process, shared with those beside it on this machine.
        environment: ``os.environ`` by default.

    Raises:
        MMFanError: It is no amount of memory.
    """
    if asked is not None:
        return read_bytes("cache", asked)
    return free_memory() // SHARE // processes_beside(os.environ if environment is None else environment)


class Entry(NamedTuple):
    """What is kept, and where.

    Attributes:
        start: Its first byte.
        shape: Of the array.
    """

    start: int
    shape: tuple[int, ...]


class Kept:
    """Arrays of uint8 by number, kept in memory that processes share.

    Args:
        count: Numbers run from 0 to it.
        limit: Bytes that may be kept.
        shared: Memory of such an object in another process, or its file descriptor; None takes new memory.

    Attributes:
        memory: What processes share.

    Raises:
        OSError: There is no memory to share.
    """

    def __init__(self, count: int, limit: int, shared: SharedMemory | int | None = None) -> None:
        self.count, self.limit = count, limit
        table = (count + 1) * _FIELDS * _NUMBER
        self._begin = _aligned(table)
        self.memory = shared if isinstance(shared, SharedMemory) else SharedMemory(self._begin + limit, shared)
        self._table = self.memory.array(0, table).view(np.int64).reshape(count + 1, _FIELDS)
        # an entry does not change until everything is forgotten: what this process has found needs no lock again
        self._found: dict[int, tuple[int, str, Entry]] = {}

    def __reduce__(self) -> tuple[object, ...]:
        return Kept, (self.count, self.limit, self.memory)

    def __deepcopy__(self, memo: object) -> Kept:
        return self

    @property
    def used(self) -> int:
        """Bytes that are taken."""
        return int(self._table[self.count, 0])

    def clear(self) -> None:
        """Forget everything; no other process may be at it meanwhile."""
        with self.memory.locked():
            times = int(self._table[self.count, 1])
            self._table[:] = 0
            self._table[self.count, 1] = times + 1

    def find(self, number: int, what: str = "") -> Entry | None:
        """Where an array is kept; None where it is not.

        Args:
            number: Of the array.
            what: What it was made from; one made from something else is not found.
        """
        if not self._table[number, 0]:
            return None
        times = int(self._table[self.count, 1])
        found = self._found.get(number)
        if found is not None and found[:2] == (times, what):
            return found[2]
        with self.memory.locked():  # which also makes what its writer wrote visible here
            start, axes, *sides, mark = map(int, self._table[number, :6])
        if mark != _mark(what):
            return None
        entry = Entry(start, tuple(sides[:axes]))
        self._found[number] = times, what, entry
        return entry

    def at(self, entry: Entry) -> NDArray[np.uint8]:
        """The array that is kept there; not to be written on."""
        return self.memory.array(entry.start, int(np.prod(entry.shape))).reshape(entry.shape)

    def get(self, number: int, what: str = "") -> NDArray[np.uint8] | None:
        """The array of a number, not to be written on; None where it is not kept."""
        entry = self.find(number, what)
        return None if entry is None else self.at(entry)

    def put(self, number: int, array: NDArray[np.uint8], what: str = "") -> bool:
        """Keep an array, if there is room; whether it is kept now."""
        if array.dtype != np.uint8 or not 1 <= array.ndim <= 3 or not array.size:
            return False
        with self.memory.locked():
            if self._table[number, 0]:
                return bool(self._table[number, 5] == _mark(what))
            start = self._begin + self.used
            if start + array.size > self.memory.size:
                return False
            self._table[self.count, 0] = _aligned(self.used + array.size)
        try:
            self.memory.take(start, array.size)
        except OSError:  # less is free than was thought: what is kept already stays
            return False
        self.at(Entry(start, array.shape))[:] = array
        with self.memory.locked():
            sides = (*array.shape, 0, 0)[:3]
            self._table[number, 1:6] = (array.ndim, *sides, _mark(what))
            self._table[number, 0] = start
        return True


def kept_or_none(count: int, limit: int, logger: logging.Logger) -> Kept | None:
    """Memory for so many arrays; None where nothing is to be kept, or this system gives none, which is logged."""
    if limit <= 0:
        return None
    try:
        return Kept(count, limit)
    except OSError as error:
        logger.warning(f"Decoded pictures are not kept, but decoded anew for every cell: {error}.")
        return None


def _aligned(number: int) -> int:
    return -(-number // _LINE) * _LINE


def _mark(what: str) -> int:
    digest = hashlib.blake2b(what.encode("utf-8", "surrogateescape"), digest_size=_NUMBER).digest()
    return int.from_bytes(digest, "big", signed=True)
