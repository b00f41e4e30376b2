"""What may come of a trial: its input is used, or refused by name; anything else is a failure."""

import os
import re
import traceback
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mmfan.cli.problems import known_problem
from mmfan.utils.files import is_part

ACCEPTED, REFUSED, FAILED = "accepted", "refused", "failed"
MARKER = "CODE_RAN"  # what hostile files make, by a relative name, if code in them runs
LONGEST_MESSAGE = 3000
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")

Door = tuple[str, Callable[[], object]]


class Outcome(NamedTuple):
    """Of one trial.

    Attributes:
        kind: ACCEPTED by one door at least, REFUSED by all of them, or FAILED at one.
        text: The first refusal, or what failed.
    """

    kind: str
    text: str = ""


def judge_doors(doors: Iterable[Door], folder: str) -> Outcome:
    """Open all doors with one input.

    Args:
        doors: Names, and functions that take the input.
        folder: Of the trial, and the working folder; beside it nothing may be made.
    """
    around = sorted(os.listdir(os.path.dirname(folder)))
    refusals, accepted = [], False
    for name, door in doors:
        try:
            door()
            accepted = True
        except MemoryError:
            return Outcome(FAILED, f"{name}: more memory than allowed")
        except Exception as error:  # noqa: BLE001 - which errors are refusals is what is looked at
            problem = problem_with(error)
            if problem is not None:
                return Outcome(FAILED, f"{name}: {problem}")
            refusals.append(f"{name}: {type(error).__name__}: {known_problem(error)}")
        left = leftovers(folder)
        if left:
            return Outcome(FAILED, f"{name}: left behind {', '.join(left)}")
        if sorted(os.listdir(os.path.dirname(folder))) != around:
            return Outcome(FAILED, f"{name}: made {os.listdir(os.path.dirname(folder))} outside of its folder")
    return Outcome(ACCEPTED if accepted else REFUSED, refusals[0] if refusals else "")


def problem_with(error: Exception) -> str | None:
    """Why an error is no refusal by name, with its traceback; None if it is one."""
    trace = "".join(traceback.format_exception(error))
    message = known_problem(error)
    if message is None:
        return f"neither used nor refused by name\n{trace}"
    if not message.strip():
        return f"a refusal without words\n{trace}"
    if len(message) > LONGEST_MESSAGE:
        return f"a refusal of {len(message)} letters: {message[:LONGEST_MESSAGE]}"
    if _CONTROLS.search(message):
        return f"a refusal with control characters: {message!r}"
    return None


def leftovers(folder: str) -> list[str]:
    """Temporary files that were left in a folder, and the marker of code that ran."""
    return [
        os.path.join(where, name)
        for where, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if name == MARKER or is_part(name) or name.endswith((".part", ".probe"))
    ]
