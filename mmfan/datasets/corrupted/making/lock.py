"""Lock of a shard: a file that says who is at work, held by the system for as long as that process lives."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mmfan.errors import MMFanError
from mmfan.utils.json_files import parse_json
from mmfan.utils.processes.locks import NoLocksError, is_at, lock
from mmfan.utils.processes.shards import Shard

WORK_FOLDER = ".making"


class BusyTargetError(MMFanError, RuntimeError):
    """Another run is making the same part of the same set."""


@contextmanager
def shard_lock(target: str | os.PathLike[str], shard: Shard, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a shard of a set within a ``with`` block.

    Args:
        target: Root of the corrupted set.
        shard: The part that is about to be made.
        say: Called with a sentence where files cannot be locked, and nobody is kept out.

    Raises:
        BusyTargetError: On entry: another run holds the shard, or shards of another count, which overlap with it.
        OSError: The lock file cannot be written.
    """
    folder = Path(target) / WORK_FOLDER
    path = folder / f"lock-{shard.label}.json"
    try:
        with _take(path, say) as file:
            try:
                holder = {"pid": os.getpid(), "host": socket.gethostname(), "shard": str(shard)}
                file.truncate(0)
                file.write(json.dumps(holder).encode("ascii") + b"\n")
                file.flush()
                for other in sorted(folder.glob("lock-*.json")):
                    if not other.stem.endswith(f"-of-{shard.total}"):
                        _remove_if_stale(other)
                yield
                for journal in folder.glob("journal-*.jsonl"):  # of version 0.1: its pictures were read again
                    journal.unlink(missing_ok=True)
            finally:
                path.unlink(missing_ok=True)
    finally:
        with suppress(OSError):  # other shards are at work
            folder.rmdir()


def _take(path: Path, say: Callable[[str], None]) -> IO[bytes]:
    """Open and lock a lock file; made with its folder."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+b")  # noqa: SIM115 - the lock lasts until the caller closes it
        except (FileNotFoundError, FileExistsError):  # a run that ended just now removed the folder
            if _in_the_way(path.parent):
                raise
            continue
        try:
            if not lock(file, wait=False):
                raise _busy(file)
        except NoLocksError as error:
            say(
                f"{error.strerror}: let no other run make shard {shard_of(path)} of {path.parents[1]} at the same time."
            )
            return file
        except BaseException:
            file.close()
            raise
        if is_at(file, path):
            return file
        file.close()  # its holder ended, and removed it, between our opening and our locking


def _in_the_way(folder: Path) -> bool:
    """Whether something else than a folder has its name; asked once, as it comes and goes."""
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISDIR(mode) and not folder.is_dir()


def shard_of(path: Path) -> str:
    """The shard that a lock file is of, ``i/n``."""
    return path.stem.removeprefix("lock-").replace("-of-", "/")


def _remove_if_stale(path: Path) -> None:
    """Remove the lock file of a run that was killed.

    Raises:
        BusyTargetError: The run is alive.
    """
    try:
        with open(path, "r+b") as file:
            if not lock(file, wait=False):
                raise _busy(file)
            if is_at(file, path):
                path.unlink()
    except (FileNotFoundError, NoLocksError):  # it ended just now; nobody can tell
        pass


def _busy(file: IO[bytes]) -> BusyTargetError:
    """The error that names who holds a lock file; the file may be empty, or hold anything."""
    file.seek(0)
    try:
        holder = parse_json(file.read())
        where = "this machine" if holder["host"] == socket.gethostname() else holder["host"]
        who = f"process {holder['pid']} on {where} (shard {holder['shard']})"
    except (ValueError, LookupError, TypeError):
        who = "another process"
    return BusyTargetError(
        f"The set is being made by {who}. Wait for it, stop it, or share the work between the two with --shard 1/2 and "
        "--shard 2/2."
    )
