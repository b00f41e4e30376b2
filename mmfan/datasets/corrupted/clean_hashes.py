"""Hashes of the clean pictures that a corrupted set was made from, so that replaced ones are not mistaken for them.

``manifests/clean/val.sha256`` holds the SHA-256 of every clean picture of a split and its name, the one its seeds are
derived from, as ``sha256sum`` writes and checks them. Each shard writes those of its pictures before it makes anything
(``manifests/clean/val.1-of-4.sha256``); the last one that is done puts them together. Sets of version 0.1 have no such
file.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mmfan.datasets.corrupted.codec import picture_damage
from mmfan.datasets.corrupted.layout import Picture
from mmfan.datasets.corrupted.manifest import MANIFESTS
from mmfan.datasets.corrupted.record import MixedSetError
from mmfan.errors import MMFanError
from mmfan.utils.files import write_whole
from mmfan.utils.text import counted, shortlist

CLEAN = "clean"
LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}  # of sha256sum, which then begins the line with a backslash
READERS = 4  # threads; hashing leaves Python's lock, and reading waits for the disk


def hash_pictures(paths: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """SHA-256 of picture files by the names they are given under; files that cannot be read are left out.

    Args:
        paths: Paths by name.
        whole: Leave out files that are no whole pictures too.
    """
    with ThreadPoolExecutor(READERS) as pool:
        found = zip(paths, pool.map(partial(_hash, whole=whole), paths.values()), strict=True)
    return {name: digest for name, digest in found if digest is not None}


def _hash(path: str, whole: bool) -> str | None:
    try:
        content = Path(path).read_bytes()
    except OSError:  # whoever needs the picture says what is wrong with it
        return None
    return None if whole and picture_damage(content) else hashlib.sha256(content).hexdigest()


def _folder(target: str | os.PathLike[str]) -> Path:
    return Path(target) / MANIFESTS / CLEAN


def _read(path: Path) -> dict[str, str]:
    """The hashes of one file; none if it is not there.

    Raises:
        MMFanError: The file is something else.
    """
    try:
        lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    except FileNotFoundError:
        return {}
    found = [LINE.fullmatch(line) for line in lines[:-1]]
    if lines[-1] or not all(found):
        raise MMFanError(
            f"{path} does not hold the hashes of clean pictures, one a line. If they are still those that the set was "
            "made from, write it anew with sha256sum, or make the set anew in another folder."
        )
    return {_unescaped(match[3]) if match[1] else match[3]: match[2] for match in found if match}


def _unescaped(name: str) -> str:
    return re.sub(r"\\([\\nr])", lambda match: {"n": "\n", "r": "\r"}.get(match[1], "\\"), name)


def _line(name: str, digest: str) -> str:
    escaped = "".join(ESCAPES.get(character, character) for character in name)
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n"


def recorded_hashes(target: str | os.PathLike[str], split: str | None = None) -> dict[str, str]:
    """Hashes that a set has noted, by the name of the picture; empty for sets that note none.

    Args:
        target: Root of the set.
        split: Of this split only.

    Raises:
        MMFanError: A file of them cannot be read.
    """
    found: dict[str, str] = {}
    stem = "*" if split is None else glob.escape(split)
    # the parts before the whole: who puts them together writes the whole first
    for path in [*_folder(target).glob(f"{stem}.*-of-*.sha256"), *_folder(target).glob(f"{stem}.sha256")]:
        found |= _read(path)
    return found


class Replaced(NamedTuple):
    """How clean pictures compare with those that a set was made from.

    Attributes:
        replaced: Paths of those that hold something else now.
        unknown: How many the set says nothing of.
    """

    replaced: list[str]
    unknown: int


def compare_clean(recorded: Mapping[str, str], paths: Mapping[str, str]) -> Replaced:
    """Read clean pictures and compare them with what a set has noted.

    Args:
        recorded: From :func:`recorded_hashes`.
        paths: Their paths by name.
    """
    now = hash_pictures({name: path for name, path in paths.items() if name in recorded}, whole=False)
    replaced = [paths[name] for name, digest in now.items() if digest != recorded[name]]
    return Replaced(sorted(replaced), sum(name not in recorded for name in paths))


def replaced_error(target: str | os.PathLike[str], replaced: list[str]) -> MixedSetError:
    """The error that names clean pictures which a set was not made from."""
    return MixedSetError(
        f"{counted(len(replaced), 'clean picture')} changed after the corrupted set {target} was made from "
        f"{'it' if len(replaced) == 1 else 'them'}: {shortlist(replaced, 5)}. Put the former ones back, or make the "
        "set anew in another folder."
    )


class CleanHashes:
    """What a making run notes of the clean pictures of one split.

    Args:
        target: Root of the set.
        split: The split.
        pictures: All its pictures.
        label: What this run's part is called: ``'1-of-4'``.
    """

    def __init__(self, target: Path, split: str, pictures: Iterable[Picture], label: str) -> None:
        self.target, self.split, self.label = target, split, label
        self.names = [picture.name for picture in pictures]

    def note(self, own: Mapping[str, str], begun: bool, has_forms: Callable[[str], bool]) -> str | None:
        """Compare this run's pictures with what is noted, and note the others.

        A picture that nothing was made of (it was damaged, or too small) may be replaced. One that is not whole now is
        not compared: nothing can be made of it, and the making says so.

        Args:
            own: Their paths by name.
            begun: Whether corrupted pictures of the split are there already.
            has_forms: Tells of a name whether corrupted forms of that picture are there.

        Returns:
            A remark where nothing can be compared: the set was begun without notes, and gets none.

        Raises:
            MixedSetError: Pictures were replaced; they are named.
            MMFanError: What is there cannot be read.
            OSError: The file cannot be written.
        """
        recorded = recorded_hashes(self.target, self.split)
        if begun and not recorded:
            return (
                f"{self.target} does not say which clean pictures it was made from (sets of version 0.1 do not): "
                "whether they have been replaced since cannot be told."
            )
        now = hash_pictures(own, whole=True)
        changed = {name: digest for name, digest in now.items() if recorded.get(name, digest) != digest}
        replaced = sorted(own[name] for name in changed if has_forms(name))
        if replaced:
            raise replaced_error(self.target, replaced)
        for path in _folder(self.target).glob(f"{glob.escape(self.split)}.*sha256") if changed else ():
            there = _read(path)
            self._write(path, there | {name: digest for name, digest in changed.items() if name in there})
        if now.keys() - recorded.keys():
            path = self._path(self.label)
            self._write(path, _read(path) | now)
        return None

    def merge(self) -> None:
        """Put the parts together once all pictures of the split are in them."""
        recorded = recorded_hashes(self.target, self.split)
        if not recorded or not recorded.keys() >= set(self.names):
            return
        whole = {name: recorded[name] for name in self.names}
        if _read(self._path()) != whole:
            self._write(self._path(), whole)
        for path in _folder(self.target).glob(f"{glob.escape(self.split)}.*-of-*.sha256"):
            path.unlink(missing_ok=True)

    def _path(self, label: str | None = None) -> Path:
        return _folder(self.target) / (f"{self.split}.sha256" if label is None else f"{self.split}.{label}.sha256")

    def _write(self, path: Path, files: Mapping[str, str]) -> None:
        text = "".join(_line(name, digest) for name, digest in sorted(files.items()))
        write_whole(path, text.encode("utf-8", "surrogateescape"))
