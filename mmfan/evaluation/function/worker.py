"""A process of its own that makes pictures ready while the model is at work: what runs there, and how it is asked.

It is started anew and imports mmfan alone: nothing is forked from a process whose threads torch or OpenCV have
started, and the user's script, which may have no ``if __name__ == "__main__":``, is not run again.
"""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import Corruption, register_corruption
from mmfan.errors import MMFanError, WorkerDiedError
from mmfan.evaluation.function.items import Preparation, Ready, Unit
from mmfan.utils.processes import end_with_starter

_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from mmfan.evaluation.function.worker import serve; serve(int(sys.argv[1]), int(sys.argv[3]))"
)
# What a picture may raise without a bug of mmfan: a user's own corruption can raise any of them.
PICTURE_ERRORS = (
    *(ArithmeticError, AttributeError, ImportError, LookupError, MemoryError, OSError, RuntimeError, TypeError),
    *(ValueError, cv2.error),
)


class Worker:
    """A process, seen from the one that asks it.

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
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = [str(theirs.fileno()), json.dumps([os.fspath(place) for place in sys.path]), str(os.getpid())]
            self.process = subprocess.Popen(
                [sys.executable, "-c", _CODE, *arguments], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the process that asks
            )  # fmt: skip
        self._connection: Connection = Connection(ours.detach())
        try:
            self._connection.send((preparation, list(added)))
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            self.end()
            raise _not_handed(added, str(error)) from error
        except OSError as error:
            raise self._died() from error

    def ask(self, unit: Unit) -> Ready:
        """Have a picture made ready.

        Raises:
            MMFanError: It cannot be; the message names picture and cell.
            WorkerDiedError: The process ended.
        """
        try:
            self._connection.send(unit)
            told = self._connection.recv()
            if isinstance(told, str):
                raise MMFanError(f"{unit.cell} of the picture {unit.item.name} cannot be made: {told}")
            shape, has_truth, seconds = told
            picture = self._array(shape)
            truth = self._array(shape[:2]) if has_truth else None
        except (EOFError, OSError) as error:
            raise self._died() from error
        return Ready(picture, truth, *seconds)

    def _array(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        array = np.empty(shape, np.uint8)
        self._connection.recv_bytes_into(array.data.cast("B"))
        return array

    def _died(self) -> WorkerDiedError:
        self.end()
        return WorkerDiedError(
            f"A worker process ended before its work did (status {self.process.returncode}); perhaps it was killed for "
            "want of memory. What was finished is kept: run it again, with fewer workers."
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
        preparation, added = connection.recv()
        for one in added:
            register_corruption(one.name, one.function, severities=one.severities, group=one.group, version=one.version)
    except EOFError:
        return
    except PICTURE_ERRORS as error:  # the module of a corruption cannot be imported here
        problem = told_of(error)
    while True:
        try:
            unit = connection.recv()
        except EOFError:
            return
        if preparation is None or problem:
            connection.send(problem)
        else:
            _answer(connection, preparation, unit)


def _answer(connection: Any, preparation: Preparation, unit: Unit) -> None:
    try:
        ready = preparation.make(unit)
    except PICTURE_ERRORS as error:
        connection.send(told_of(error))
        return
    connection.send((ready.picture.shape, ready.truth is not None, (ready.load, ready.corrupt, ready.other)))
    for array in filter(lambda part: part is not None, (ready.picture, ready.truth)):
        connection.send_bytes(np.ascontiguousarray(array).data.cast("B"))


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
