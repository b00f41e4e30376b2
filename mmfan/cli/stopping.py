"""Signals that stop a command: Ctrl-C, SIGTERM and SIGHUP end it in order, with nothing left running."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType

from mmfan.utils.processes.children import end_children, guard_forks

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
INTERRUPTED = 130  # 128 + SIGINT, as shells count
PATIENCE = 15.0  # seconds in which a command ends in order; schedulers kill what is left after 30
AGAIN = 1.0  # seconds after which a second signal means it; launchers pass one on that the terminal has sent already


class Stopped(KeyboardInterrupt):
    """A signal asks the command to end; what is finished by leaving a block still is.

    Attributes:
        signal: Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


_came: list[tuple[int, float]] = []  # the first signal, and when it came


def take_signals() -> None:
    """Raise :class:`Stopped` where the program is when a signal comes; a second one ends it at once.

    A signal that is ignored stays so (``nohup``, background jobs of a script). Forked children end with this process.
    """
    for kind in SIGNALS:
        if signal.getsignal(kind) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(kind, _stop)
    guard_forks()


def _stop(number: int, _: FrameType | None) -> None:
    now = time.monotonic()
    if not _came:
        _came.append((number, now))
        if hasattr(signal, "SIGCHLD"):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch raises an error there for loading processes that end
        sys.unraisablehook = _say_nothing  # of what was half made when the signal came
        timer = threading.Timer(PATIENCE, _end_at_once, [number])
        timer.daemon = True
        timer.start()
        raise Stopped(number)
    if now - _came[0][1] > AGAIN:
        _end_at_once(number)


def _say_nothing(_: object) -> None:
    pass


def _end_at_once(number: int) -> None:
    end_children()
    os._exit(128 + number)


def stop_that_came() -> Stopped | None:
    """The first signal that asked this program to end, also where something has swallowed what it raised."""
    return Stopped(_came[0][0]) if _came else None


def status_of(stop: KeyboardInterrupt) -> int:
    """The exit status of a command that was stopped, as shells count: 130 after Ctrl-C, 143 after SIGTERM.

    >>> status_of(KeyboardInterrupt()), status_of(Stopped(signal.SIGTERM))
    (130, 143)
    """
    return 128 + (stop.signal if isinstance(stop, Stopped) else signal.SIGINT)


def words_of(stop: KeyboardInterrupt) -> str:
    """What a command says when it was stopped.

    >>> words_of(Stopped(signal.SIGINT)), words_of(Stopped(signal.SIGTERM))
    ('Interrupted.', 'Stopped by SIGTERM.')
    """
    number = stop.signal if isinstance(stop, Stopped) else signal.SIGINT
    return "Interrupted." if number == signal.SIGINT else f"Stopped by {signal.Signals(number).name}."
