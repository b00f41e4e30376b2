"""Progress of a long conversion, in one line."""

from __future__ import annotations

import sys
import time
from typing import TextIO


def progress_text(what: str, done: int, total: int, seconds: float) -> str:
    """How far it is, how fast it goes and how long it will take.

    Args:
        what: Name of the work.
        done: Number of things done since the start.
        total: Number of things to do.
        seconds: Time since the start.

    >>> progress_text("labels", 50, 200, 10.0)
    'labels: 50/200, 5.0/s, 30 s left'
    """
    text = f"{what}: {done}/{total}"
    if done and seconds > 0:
        rate = done / seconds
        text += f", {rate:.1f}/s, {(total - done) / rate:.0f} s left"
    return text


class ProgressLine:
    """Print :func:`progress_text` now and then: in place on a terminal, as a line every ten seconds in a log.

    Args:
        what: Name of the work.
        stream: Where to print; standard error by default, so that results can be piped.
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self.what = what
        self.stream = sys.stderr if stream is None else stream
        self.in_place = self.stream.isatty()
        self.start = time.monotonic()
        self.last = self.start

    def __call__(self, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` things are done; the last one is always printed."""
        now = time.monotonic()
        if done < total and now - self.last < (0.2 if self.in_place else 10.0):
            return
        self.last = now
        text = progress_text(self.what, done, total, now - self.start)
        if self.in_place:
            # The line before may have been longer: clear to the end of the line.
            self.stream.write(f"\r{text}\x1b[K" + ("\n" if done == total else ""))
        else:
            self.stream.write(text + "\n")
        self.stream.flush()
