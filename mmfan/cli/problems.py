"""Ends of commands by errors: a mistake that the user can cure in one line, a bug with its traceback.

The user can cure what mmfan refuses (:class:`mmfan.errors.MMFanError`) and what the system says of his files, his disk
and missing packages. Anything else is a bug, and a bug needs its traceback.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import select
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NoReturn

from mmfan.cli.stopping import status_of, stop_that_came, words_of
from mmfan.environment import how_to_install, is_installed
from mmfan.errors import MMFanError
from mmfan.utils.processes.children import end_children
from mmfan.utils.text import one_line

# FileExistsError is not among them: the system's own comes from a race, which is worth a traceback.
FILE_ERRORS = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)
# The other states of disks and file systems that no program can mend; what is left are mistakes of programs (EBADF).
FILE_STATES = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "ENAMETOOLONG", "ELOOP", "EFBIG", "EIO", "ESTALE", "EMFILE", "ENFILE")
    if hasattr(errno, name)
)
BUG = (
    "Unless your own code or config raised this, it is a bug of mmfan: please report it, with this text and the output "
    "of `mmfan env`, to the issue tracker of the place that you got mmfan from."
)
_WORKER_DIED = (
    "A loading process ended before its work did; perhaps it was killed for want of memory. Start fewer of them, or "
    "run it again."
)
READER_GONE = 141  # 128 + SIGPIPE


def known_problem(error: BaseException) -> str | None:
    """The message to show for an error that the user can cure.

    Args:
        error: What was raised; the errors that it was raised from are looked at too.

    Returns:
        The message, or None where the error is a bug whose traceback must be seen.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, MMFanError) or is_file_problem(link):
            return "\n".join(map(one_line, _message(link).split("\n")))
        if isinstance(link, ModuleNotFoundError) and link.name:
            cure = how_to_install(link.name)
            if cure and not is_installed(link.name):
                return f"This needs the package `{link.name}`, which is not installed. {cure}"
        if isinstance(link, RuntimeError) and str(link).startswith("DataLoader worker (pid"):
            return _WORKER_DIED
        link = link.__cause__
    return None


def is_file_problem(error: BaseException) -> bool:
    """Whether the system refuses a file, the disk is in a state that only the user can change, or a picture is broken.

    An OSError without a number is one that mmfan or another library puts in words of its own.
    """
    return isinstance(error, FILE_ERRORS) or (
        isinstance(error, OSError) and (error.errno is None or error.errno in FILE_STATES)
    )


def _file_at_work(error: OSError) -> str | None:
    """The file that was written or read where an error of the system was raised, which names none on a full disk."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        for value in frame.f_locals.values():
            if isinstance(value, io.IOBase) and isinstance(getattr(value, "name", None), str):
                return str(getattr(value, "name"))  # noqa: B009 - not every file has one
    return None


def _message(error: BaseException) -> str:
    """What an error says, without what was put before it on its way."""
    if isinstance(error, OSError) and error.strerror:
        # of two files, as in a rename, the second is the one that the user knows
        name = error.filename2 or error.filename or _file_at_work(error)
        return f"{error.strerror}: {str(name)!r}" if name else error.strerror
    text = str(error)
    if text.startswith("Caught ") and "in DataLoader worker process" in text:
        # torch raises an error of a loading process again, with its whole traceback as the message
        _, _, last_frame = text.rpartition('\n  File "')
        found = re.search(r"^(?!\s)[\w.]+: (.*)\Z", last_frame, re.MULTILINE | re.DOTALL)
        text = found.group(1).rstrip() if found else text
    # mmengine's registries raise it again with the class that was being built
    return re.sub(r"\A(class `\w+` in \S+\.py: )+", "", text)


@contextmanager
def exits_on_problem(prog: str, code: int) -> Iterator[None]:
    """End the program with one message on stderr when the user caused the error; let every other error through.

    Args:
        prog: Name to start the message with.
        code: Exit status: 2 while the input is read, 1 for failures at work.
    """
    try:
        yield
    except Exception as error:
        stop = stop_that_came()
        if stop is not None:  # which an extension module made another error of
            raise stop from error
        message = known_problem(error)
        if message is None:
            raise
        _say(f"{prog}: error: {message}")
        raise SystemExit(code) from error


def _say(message: str) -> None:
    """Print a message on stderr, after what was printed on stdout, if there is still somebody to read it."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr)


@contextmanager
def ends_quietly() -> Iterator[None]:
    """Signals end the program with one line, and a reader of its output that goes away with none."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        _end_stopped(stop)
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
        _give_up_output()
        raise SystemExit(READER_GONE) from None
    except Exception as error:
        came = stop_that_came()
        if came is not None:
            _end_stopped(came)
        message = known_problem(error)
        if message is None or not isinstance(error, OSError):
            raise
        _say(f"Writing to the standard output: {message}")
        _give_up_output()
        raise SystemExit(1) from None


def _end_stopped(stop: KeyboardInterrupt) -> NoReturn:
    end_children()
    _say(f"\n{words_of(stop)}")
    raise SystemExit(status_of(stop)) from None


def _give_up_output() -> None:
    """See that what is still in the buffers does not fail again when Python flushes them at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def _reader_is_gone() -> bool:
    """Whether nobody reads stdout or stderr any more; other broken pipes are those between processes."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        poll.register(stream.fileno(), select.POLLERR)
    return any(state & select.POLLERR for _, state in poll.poll(0))


def show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback and where to report it: what ``sys.excepthook`` is while a command runs."""
    traceback.print_exception(kind, error, trace)
    if isinstance(error, Exception):
        print(BUG, file=sys.stderr)
