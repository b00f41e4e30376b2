"""Temporary files as killed processes leave them."""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from mmfan.utils import files


@lru_cache(maxsize=1)
def ended_process() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def stale_part(folder: Path, machine: str | None = None, process: int | None = None) -> Path:
    """Leave half a file in ``folder``, as it stands before this process first writes there."""
    name = f".mmfan.{machine or files._machine()}-{process or ended_process()}-00ff00ff00ff.part.png"
    (folder / name).write_bytes(b"half")
    files._swept.discard(folder.absolute())
    return folder / name
