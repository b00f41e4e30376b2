"""Checkpoints of a row's training that was killed: those written to the end, and which one it goes on from.

torch writes archives of zip, whose directory comes last: a file without one is cut off.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from mmfan.utils.files import write_whole


def is_whole(path: Path) -> bool:
    """Whether a checkpoint is there and was written to its end.

    Raises:
        OSError: It is there and cannot be read.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:  # by its name alone, a file that may not be read would pass for a damaged one
        return zipfile.is_zipfile(file)


def ready_to_resume(folder: Path, say: Callable[[str], None]) -> None:
    """Let the work folder of a training be one that ``--resume`` goes on from, or begins in.

    Checkpoints that were cut off are removed. Where the one noted as the last is not there or was cut off, or the note
    itself was, the newest whole one is noted instead; without any the note is removed.

    Args:
        folder: The work folder; it may be missing.
        say: Receives a line for each file that is removed, and for another note.

    Raises:
        OSError: A file cannot be read or removed.
    """
    from mmfan.apis.resume import NUMBERED, POINTER, latest_checkpoint
    from mmfan.models.safe_load import CheckpointError

    whole: dict[int, Path] = {}
    for path in sorted(folder.glob("*.pth")):
        number = NUMBERED.fullmatch(path.name)
        if number and is_whole(path):
            whole[int(number[1])] = path
        elif number and path.is_file():
            path.unlink()
            say(f"{path} was not written to its end: removed.")
    try:
        noted = latest_checkpoint(folder)
        if not whole if noted is None else is_whole(noted):
            return
    except CheckpointError:  # the note names nothing: killed between opening and writing it
        pass
    if whole:
        newest = whole[max(whole)].absolute()
        write_whole(folder / POINTER, str(newest).encode())
        say(f"The training goes on from {newest}.")
    else:
        (folder / POINTER).unlink()
        say(f"{folder} holds no whole checkpoint: the training begins again.")
