"""One process a shard: a lock file that says who holds it.

Nothing but exclusive creation is asked of the file system, so that it works on network file systems. A lock whose
process is gone is taken over on the machine where that process ran; from elsewhere nobody can tell, and a person is
asked to.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmfan.datasets.corrupted.making.journal import WORK_FOLDER
from mmfan.datasets.corrupted.making.shards import Shard
from mmfan.errors import MMFanError

# A lock file is empty between its creation and its writing, and stays so if the process dies just then.
EMPTY_AFTER = 5.0


class BusyTargetError(MMFanError, RuntimeError):
    """Another run is making the same part of the same set."""


def _start_of(pid: int) -> str | None:
    """When a process of this machine started, where Linux says so: a number that tells apart two users of one pid."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()[19]


def _is_running(holder: dict[str, Any]) -> bool:
    """Whether the process that wrote a lock on this machine still runs."""
    pid = int(holder["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as another user
    started = _start_of(pid)
    return started is None or holder.get("started") in (None, started)


class ShardLock:
    """The lock of one shard of one set, to be used in a ``with`` block.

    Args:
        target: Root of the corrupted set.
        shard: The part that is about to be made.

    Raises:
        BusyTargetError: On entry: another run holds the shard, or shards of another count, which overlap with it.
    """

    def __init__(self, target: str | os.PathLike[str], shard: Shard) -> None:
        self.folder = Path(target) / WORK_FOLDER
        self.shard = shard
        self.path = self.folder / f"lock-{shard.number}-of-{shard.total}.json"
        self.token = uuid.uuid4().hex[:12]

    def __enter__(self) -> ShardLock:
        deadline = time.monotonic() + 3 * EMPTY_AFTER
        while not self._create():
            self._remove_stale(self.path)
            if time.monotonic() < deadline:
                continue
            raise BusyTargetError(f"{self.path} keeps coming back: several runs are started at once. Start one.")
        try:
            self._check_others()
        except BusyTargetError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if _read(self.path).get("token") == self.token:
            self.path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty: there are journals, or other shards at work
            self.folder.rmdir()

    def _create(self) -> bool:
        content = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": _start_of(os.getpid()),
            "shard": str(self.shard),
            "token": self.token,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        except FileNotFoundError:  # another process, done, removed the folder just now
            return False
        try:
            with open(handle, "wb") as file:
                file.write(json.dumps(content).encode("ascii") + b"\n")
        except OSError:  # a full disk
            self.path.unlink(missing_ok=True)
            raise
        return True

    def _check_others(self) -> None:
        """Shards of another count overlap with this one."""
        for path in sorted(self.folder.glob("lock-*.json")):
            overlaps = not path.stem.endswith(f"-of-{self.shard.total}")
            while overlaps and path.exists():
                self._remove_stale(path)

    def _remove_stale(self, path: Path) -> None:
        """Remove a lock whose process is gone.

        Raises:
            BusyTargetError: It is not gone, or nobody can tell from this machine.
        """
        holder = _read(path)
        if not holder:
            try:
                if time.time() - path.stat().st_mtime < EMPTY_AFTER:
                    time.sleep(0.1)
                    return
            except FileNotFoundError:
                return
        elif holder["host"] != socket.gethostname():
            raise BusyTargetError(
                f"The set is being made by process {holder['pid']} on {holder['host']} (shard {holder['shard']}). If "
                f"that run is gone, delete {path}."
            )
        elif _is_running(holder):
            raise BusyTargetError(
                f"The set is being made by process {holder['pid']} on this machine (shard {holder['shard']}). Wait "
                "for it, stop it, or share the work between the two with --shard 1/2 and --shard 2/2."
            )
        self._remove_as_only_one(path, holder)

    def _remove_as_only_one(self, path: Path, holder: dict[str, Any]) -> None:
        """Remove a stale lock. Of several that find it stale, one at a time may look again and remove it.

        Without that, the second would remove the new lock of the first.
        """
        permit = path.with_name(f"{path.name}.takeover.part")
        try:
            os.close(os.open(permit, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            time.sleep(0.05)
            with suppress(FileNotFoundError):
                if time.time() - permit.stat().st_mtime > EMPTY_AFTER:  # its process died within a millisecond
                    permit.unlink()
            return
        except FileNotFoundError:  # removed, with its folder, by a process that is done with it
            return
        try:
            if _read(path) == holder:
                path.unlink(missing_ok=True)
        finally:
            permit.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    """Who holds a lock; empty if there is no such file or it is not written yet."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) and {"pid", "host", "shard"} <= set(content) else {}
