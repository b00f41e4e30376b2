"""Which errors a user caused, and what to tell them: the tools print these in one line and keep every other traceback.

An error is the user's when a file is missing or not readable, or when mmfan itself refused its input: a ``ValueError``
or ``ImportError`` raised by a line of this package. Anything else is a bug, and a bug needs its traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# FileExistsError is not among them: mmfan raises it only through a race, which is worth a traceback.
FILE_ERRORS = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)
REFUSALS = (ValueError, ImportError)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what caused it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _raised_in(error: BaseException) -> str:
    """The file whose line raised ``error``, or an empty string if it was never raised."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename


def _is_ours(file: str) -> bool:
    return bool(file) and Path(file).resolve().is_relative_to(PACKAGE)


def _from_worker(text: str) -> tuple[str, str]:
    """File and message of an error that a DataLoader worker sent as text.

    torch raises it again in the main process with the worker's whole traceback as its message.
    """
    _, _, last_frame = text.rpartition('\n  File "')
    file = last_frame.partition('"')[0]
    found = re.search(r"^(?!\s)[\w.]+: (.*)\Z", last_frame, re.MULTILINE | re.DOTALL)
    return file, found.group(1).rstrip() if found else text


def known_problem(error: BaseException) -> str | None:
    """The message to show for an error that the user can cure.

    Args:
        error: What was raised; the errors that caused it are looked at too.

    Returns:
        The message, or None where the error is a bug whose traceback must be seen.
    """
    for link in _chain(error):
        if not isinstance(link, FILE_ERRORS + REFUSALS):
            continue
        message = str(link)
        file = _raised_in(link)
        if message.startswith("Caught ") and "in DataLoader worker process" in message:
            file, message = _from_worker(message)
        if isinstance(link, FILE_ERRORS) or _is_ours(file):
            return message
    return None
