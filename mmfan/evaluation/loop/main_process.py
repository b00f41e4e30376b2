"""Work of the main process, for all processes that judge together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process

from mmfan.errors import MMFanError
from mmfan.evaluation.judging.findings import PreflightError


def in_main_process(work: Callable[[], Any]) -> Any:
    """Do some work in the main process, and return its result in all of them; collective."""
    outcome = [work() if is_main_process() else None]
    broadcast_object_list(outcome)
    return outcome[0]


@contextmanager
def main_process_alone() -> Iterator[bool]:
    """Have the block's work done by the main process; the others wait for it and fail with it.

    Yields:
        Whether this is the main process.

    Raises:
        PreflightError: In the others, with the main process's message.
    """
    outcome = ["the main process ended"]
    try:
        yield is_main_process()
        outcome[0] = ""
    except MMFanError as error:
        outcome[0] = str(error)
        raise
    finally:
        broadcast_object_list(outcome)
    if outcome[0] and not is_main_process():
        raise PreflightError(outcome[0])
