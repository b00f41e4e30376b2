"""Files that are either whole or not there: the one atomic writer, its temporary names, and their removal.

A file is written under a hidden name of its own in the same folder, flushed to the disk, and renamed. Several writers
of one file never meet: the last one to finish stands. What a killed process left is removed by the next one that writes
into the folder.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import shutil
import time
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

# Suffixes of the pictures that mmfan reads, in lower case: by them a folder's pictures are found (docs/pictures.md).
PICTURE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".gif",
    ".jp2", ".j2k",
)  # fmt: skip
# The last twelve bytes of every PNG: an empty IEND chunk with its checksum.
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
# .mmfan.MACHINE-PROCESS-RANDOM.part.SUFFIX
PART = re.compile(r"\.mmfan\.([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.part(\.[^.]*)?")
STALE_SECONDS = 86_400  # a temporary file of another machine, whose processes cannot be asked after, is kept for a day

_swept: set[Path] = set()


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], *, sync: bool = True) -> Iterator[Path]:
    """A temporary file that becomes ``path`` when the block ends, and is removed when the block fails.

    It keeps the suffix, from which some writers choose the format.

    Args:
        path: Where the file goes; its folder is made if need be.
        sync: Flush to the disk before the rename, so that even a power cut leaves the old file or the new one. False
            saves some milliseconds a file, for many files that are checked when they are next read.

    Yields:
        The name to write to.

    Raises:
        OSError: It cannot be written; ``path`` is what it was.
    """
    target = Path(path)
    part = part_of(target)
    try:
        with naming(target, part):
            yield part
            if sync:
                with open(part, "rb+") as file:
                    os.fsync(file.fileno())
            part.replace(target)
    finally:
        with contextlib.suppress(OSError):  # a read-only file system says so even of a file that is not there
            part.unlink()


@contextlib.contextmanager
def part_folder(beside: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary folder in the folder of ``beside``, to make there what is renamed in the end.

    It is removed when the block ends; that of a killed process is removed by the next one that works there.

    Raises:
        OSError: It cannot be made.
    """
    folder = part_of(Path(beside).with_suffix(""))
    sweep_parts(folder.parent)  # however often this process works there: what is left is large
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is swept later


@contextlib.contextmanager
def naming(path: str | os.PathLike[str], also: str | os.PathLike[str] | None = None) -> Iterator[None]:
    """Give errors of the system that name no file, as those of a full disk, the name of the file at work.

    Args:
        path: The file that its user knows.
        also: A name of which the user knows nothing: errors that have it get ``path`` instead.
    """
    try:
        yield
    except OSError as error:
        named = None if error.filename is None else os.fsdecode(error.filename)
        if error.errno is not None and named in (None, also if also is None else os.fspath(also)):
            error.filename = os.fspath(path)
        raise


def part_of(path: str | os.PathLike[str]) -> Path:
    """The name of a new temporary file beside ``path``, in a folder that is made if need be and swept.

    What is left there under it when this process is gone is removed by the next one that writes into the folder.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(target.parent)
    return target.with_name(f".mmfan.{_machine()}-{os.getpid()}-{secrets.token_hex(6)}.part{target.suffix}")


def write_whole(path: str | os.PathLike[str], content: bytes, *, sync: bool = True) -> None:
    """Write ``content`` to ``path`` whole or not at all; see :func:`whole_file`."""
    with whole_file(path, sync=sync) as part:
        part.write_bytes(content)


def is_part(name: str) -> bool:
    """Whether a name is a temporary one of :func:`whole_file` or :func:`part_folder`.

    >>> is_part(".mmfan.1f3c22a0-4711-00ff00ff00ff.part.png"), is_part("fog.png"), is_part(".DS_Store")
    (True, False, False)
    """
    return PART.fullmatch(name) is not None


def sweep_parts(folder: str | os.PathLike[str]) -> int:
    """Remove the temporary files and folders in ``folder`` whose makers are gone; those of running processes stay.

    Returns:
        How many were removed.
    """
    removed = 0
    for entry in list(os.scandir(folder)):
        match = PART.fullmatch(entry.name)
        # Another process may sweep the same folder, and some files may be another user's: neither stops a write.
        with contextlib.suppress(OSError):
            if match and _is_stale(match[1], int(match[2]), entry.stat().st_mtime):
                (shutil.rmtree if entry.is_dir(follow_symlinks=False) else os.unlink)(entry)
                removed += 1
    return removed


def _sweep_once(folder: Path) -> None:
    """Sweep a folder the first time that this process writes into it."""
    folder = folder.absolute()
    if folder not in _swept:
        _swept.add(folder)
        sweep_parts(folder)


def _is_stale(machine: str, process: int, modified: float) -> bool:
    if machine == _machine() and os.name == "posix":
        return not _is_running(process)
    return time.time() - modified > STALE_SECONDS


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks only; on Windows it would end the process
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True


@lru_cache(maxsize=1)
def _machine() -> str:
    """Eight digits for where process numbers mean the same: this host, and on Linux this container."""
    space = Path("/proc/self/ns/pid")
    name = platform.node() + (os.readlink(space) if space.is_symlink() else "")
    return f"{zlib.crc32(name.encode(errors='surrogateescape')):08x}"


def is_complete_png(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is a PNG that was written to its end; ``False`` if there is no such file."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() < len(PNG_END):
                return False
            file.seek(-len(PNG_END), os.SEEK_END)
            return file.read() == PNG_END
    except FileNotFoundError:
        return False
