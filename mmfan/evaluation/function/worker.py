"""A process of its own that makes pictures ready while the model is at work: what runs there, and how it is asked.

It is started anew and imports mmfan alone: nothing is forked from a process whose threads torch or OpenCV have
started, and the user's script, which may have no ``if __name__ == "__main__":``, is not run again. Pictures come back
in memory that both processes have: what travels is a few words.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import traceback
import weakref
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import Corruption, register_corruption
from mmfan.errors import MMFanError, WorkerDiedError
from mmfan.evaluation.function.sources.items import Preparation, Ready, Unit
from mmfan.evaluation.judging.kept import Entry, Kept
from mmfan.utils.processes.children import end_with_starter
from mmfan.utils.processes.shared_memory import SharedMemory

_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from mmfan.evaluation.function.worker import serve; serve(*map(int, (sys.argv[1], sys.argv[3])))"
)
# One thread each: there is a process for every core that is to be used.
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB")}
_STEP = 1 << 20  # bytes: the memory of a picture grows by such steps
# What a picture may raise without a bug of mmfan: a user's own corruption can raise any of them.
PICTURE_ERRORS = (
    *(ArithmeticError, AttributeError, ImportError, LookupError, MemoryError, OSError, RuntimeError, TypeError),
    *(ValueError, cv2.error),
)


class Answer(NamedTuple):
    """What a worker says of a picture that is ready.

    Attributes:
        shape: Of the picture, which lies at the begin of its slot's memory.
        truth: Where the truth is kept; its shape, where it lies behind the picture; None where there is none.
        seconds: Of loading, of corrupting, of the rest.
        grown: Size of the slot's new memory, whose descriptor follows; 0 where it has not changed.
        textures: Whether the map of swapped textures lies behind them.
    """

    shape: tuple[int, ...]
    truth: Entry | tuple[int, ...] | None
    seconds: tuple[float, float, float]
    grown: int
    textures: bool = False


class Worker:
    """A process, seen from the one that asks it. It answers in the order in which it was asked.

    Args:
        preparation: What it does.
        added: Corruptions that are not built in.

    Raises:
        MMFanError: A corruption cannot be handed to another process.
    """

    def __init__(self, preparation: Preparation, added: Sequence[Corruption]) -> None:
        of_script = [one for one in added if getattr(one.function, "__module__", None) == "__main__"]
        if of_script:  # which is not run again there
            raise _not_handed(of_script, "it is defined in the script itself")
        self._preparation = preparation
        self._slots: list[SharedMemory | None] = []
        self._free: deque[int] = deque()
        self._asked: deque[int] = deque()
        self._watched: dict[int, weakref.ref[NDArray[np.uint8]]] = {}
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = [str(theirs.fileno()), json.dumps([os.fspath(place) for place in sys.path]), str(os.getpid())]
            self.process = subprocess.Popen(
                [sys.executable, "-c", _CODE, *arguments], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the process that asks
                env={**os.environ, **_ONE_THREAD},
            )  # fmt: skip
        self._connection: Connection = Connection(ours.detach())
        try:
            _send_preparation(self._connection, preparation, added, self.process.pid)
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            self.end()
            raise _not_handed(added, str(error)) from error
        except OSError as error:
            raise self._died() from error

    def ask(self, unit: Unit) -> None:
        """Have a picture made ready; :meth:`answer` gives it.

        Raises:
            WorkerDiedError: The process ended.
        """
        if not self._free:  # pictures whose memory is still in use: waiting for the model, or kept by it
            self._free.append(len(self._slots))
            self._slots.append(None)
        slot = self._free.popleft()
        self._asked.append(slot)
        try:
            self._connection.send((unit, slot))
        except OSError as error:
            raise self._died() from error

    def answer(self, unit: Unit) -> Ready:
        """The picture that it was asked for first.

        Raises:
            MMFanError: It cannot be made; the message names picture and cell.
            WorkerDiedError: The process ended.
        """
        slot = self._asked.popleft()
        try:
            told = self._connection.recv()
            if isinstance(told, str):
                self._free.append(slot)
                raise MMFanError(f"{unit.cell} of the picture {unit.item.name} cannot be made: {told}")
            answer = Answer(*told)
            if answer.grown:
                self._slots[slot] = memory = SharedMemory(answer.grown, recv_handle(self._connection))
                memory.close_handle()
        except (EOFError, OSError) as error:
            raise self._died() from error
        return self._ready(slot, answer)

    def _ready(self, slot: int, answer: Answer) -> Ready:
        memory, size = self._slots[slot], int(np.prod(answer.shape))
        behind = () if isinstance(answer.truth, Entry) or answer.truth is None else answer.truth
        if memory is None:
            raise RuntimeError("a worker process answered without the memory of its picture")
        labels, last = int(np.prod(behind)) * bool(behind), int(np.prod(answer.shape[:2])) * answer.textures
        whole = memory.array(0, size + labels + last)
        # the memory is another picture's as soon as nobody has this one, nor a view of it, any more
        free = self._free
        self._watched[slot] = weakref.ref(whole, lambda _: free.append(slot))
        truth: NDArray[np.uint8] | None = whole[size : size + labels].reshape(behind) if behind else None
        textures = whole[size + labels :].reshape(answer.shape[:2]) if answer.textures else None
        if isinstance(answer.truth, Entry) and self._preparation.kept is not None:
            truth = self._preparation.kept.at(answer.truth)
        return Ready(whole[:size].reshape(answer.shape), truth, *answer.seconds, textures)

    def _died(self) -> WorkerDiedError:
        self.end()
        return WorkerDiedError(
            f"A worker process ended before its work did (status {self.process.returncode}); perhaps it was killed for "
            "want of memory. What was finished is kept: run it again, with fewer workers or a smaller `cache`."
        )

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        self._connection.close()


def _not_handed(added: Sequence[Corruption], why: str) -> MMFanError:
    names = ", ".join(corruption.name for corruption in added)
    return MMFanError(
        f"The corruption of your own ({names}) cannot be handed to worker processes ({why}): put its function into a "
        "module, or judge with workers=0."
    )


def _send_preparation(
    connection: Connection, preparation: Preparation, added: Sequence[Corruption], process: int
) -> None:
    kept = preparation.kept
    connection.send(None if kept is None else (kept.count, kept.limit))
    if kept is not None:
        send_handle(connection, kept.memory.handle, process)
    connection.send((preparation.seed, preparation.labels, preparation.form, list(added)))


def _receive_preparation(connection: Connection) -> Preparation:
    told = connection.recv()
    kept = None
    if told is not None:
        count, limit = told
        kept = Kept(count, limit, recv_handle(connection))
    seed, labels, form, added = connection.recv()
    for one in added:
        register_corruption(one.name, one.function, severities=one.severities, group=one.group, version=one.version)
    return Preparation(seed, labels, kept, form)


def serve(handle: int, starter: int) -> None:
    """What the process does: answer until nobody asks any more.

    Args:
        handle: File descriptor of the socket.
        starter: Number of the process that asks; this one ends with it.
    """
    end_with_starter(starter)
    cv2.setNumThreads(1)
    connection: Connection = Connection(handle)
    preparation, problem = None, ""
    try:
        preparation = _receive_preparation(connection)
    except EOFError:
        return
    except PICTURE_ERRORS as error:  # the module of a corruption cannot be imported here
        problem = told_of(error)
    slots: dict[int, SharedMemory] = {}
    while True:
        try:
            unit, slot = connection.recv()
        except EOFError:
            return
        if preparation is None or problem:
            connection.send(problem)
        else:
            _answer(connection, preparation, unit, slot, slots, starter)


def _answer(
    connection: Any, preparation: Preparation, unit: Unit, slot: int, slots: dict[int, SharedMemory], starter: int
) -> None:
    try:
        ready = preparation.make(unit)
        kept = None
        if ready.truth is not None and preparation.kept is not None:
            kept = preparation.kept.find(2 * unit.place + 1, unit.item.name)
        truth = None if kept is not None else ready.truth
        parts = [part for part in (ready.picture, truth, ready.textures) if part is not None]
        size, memory, grown = sum(part.size for part in parts), slots.get(slot), 0
        if memory is None or memory.size < size:
            grown = -(-size // _STEP) * _STEP
            memory = SharedMemory(grown)
            memory.take(0, grown)
        start = 0
        for part in parts:
            memory.array(start, part.size).reshape(part.shape)[:] = part
            start += part.size
    except PICTURE_ERRORS as error:
        connection.send(told_of(error))
        return
    behind = None if truth is None else truth.shape
    seconds = (ready.load, ready.corrupt, ready.other)
    connection.send(tuple(Answer(ready.picture.shape, kept or behind, seconds, grown, ready.textures is not None)))
    if grown:
        send_handle(connection, memory.handle, starter)
        memory.close_handle()
        slots[slot] = memory


def make_here(preparation: Preparation, unit: Unit) -> Ready:
    """Make a picture ready in this process.

    Raises:
        MMFanError: It cannot be; the message names picture and cell.
    """
    try:
        return preparation.make(unit)
    except PICTURE_ERRORS as error:
        raise MMFanError(f"{unit.cell} of the picture {unit.item.name} cannot be made: {told_of(error)}") from error


def told_of(error: BaseException) -> str:
    """What an error says; its kind before it, where it has no words for a user."""
    text = " ".join(str(error).split())
    if isinstance(error, (MMFanError, OSError)) and text:
        return text
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} (raised in {place.filename}, line {place.lineno})"
