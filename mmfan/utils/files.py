"""Files that are either whole or not there, so that a killed conversion can simply be started again."""

from __future__ import annotations

import os
from pathlib import Path

# The last twelve bytes of every PNG: an empty IEND chunk with its checksum.
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def part_name(path: Path) -> Path:
    """The hidden name under which ``path`` is written before it is renamed.

    It is the same every time, so that a run takes up what a killed one left, and it keeps the suffix, from which some
    writers choose the format.
    """
    return path.with_name(f".{path.stem}.part{path.suffix}")


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


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, through a temporary name in the same folder; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_name(path)
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
