"""Hashes of the files that are done, noted as they are finished.

Each shard has a journal of its own, so that no two processes write to one file. A manifest is merged from them without
reading a picture again, and they are removed when the manifests hold all that they say.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmfan.datasets.corrupted.making.shards import Shard
from mmfan.errors import MMFanError

WORK_FOLDER = ".making"


class Entry(NamedTuple):
    """One finished file.

    Attributes:
        corruption: Name of the corruption.
        severity: Its severity.
        version: Version of the corruption.
        split: Name of the split.
        file: Path relative to the folder of the cell.
        digest: SHA-256 in hexadecimal.
    """

    corruption: str
    severity: int
    version: str
    split: str
    file: str
    digest: str


def journal_path(target: str | os.PathLike[str], shard: Shard) -> Path:
    """Where the journal of a shard is."""
    return Path(target) / WORK_FOLDER / f"journal-{shard.number}-of-{shard.total}.jsonl"


class Journal:
    """The journal of one shard, open for writing.

    Args:
        path: Its file; made with its folder. A line that a killed process left half-written is cut off.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "ab")  # noqa: SIM115 - closed by `close`
        whole = _whole_length(path)
        if whole != self._file.tell():
            self._file.truncate(whole)

    def add(self, entry: Entry) -> None:
        """Note one file that has got its final name."""
        self._file.write(json.dumps(entry).encode("ascii") + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; what it holds is then seen by other machines."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def _whole_length(path: Path) -> int:
    """Length of a file up to its last line break."""
    return path.read_bytes().rfind(b"\n") + 1


def read_journal(path: Path) -> Iterator[Entry]:
    """The entries of one journal. A last line that is not whole belongs to a running or killed process: it is left out.

    Raises:
        MMFanError: Another line is no entry; the message names file and line.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # another process merged it just now
        return
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            entry = Entry(*json.loads(line))
        except (ValueError, TypeError) as error:
            raise MMFanError(
                f"{path}:{number} is not an entry of a journal ({error}). Delete the file; the pictures that it lists "
                "are kept and read again."
            ) from error
        yield entry


def find_journals(target: str | os.PathLike[str]) -> list[Path]:
    """Paths of all journals of a set, sorted."""
    return sorted((Path(target) / WORK_FOLDER).glob("journal-*.jsonl"))
