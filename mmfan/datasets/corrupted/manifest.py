"""Manifests: every file of a cell and split with its SHA-256, and what it was made with.

A cell whose pictures of the split are all there has one, ``manifests/fog/3/val.json``. It holds nothing about time or
machine, so that it is the same bytes however the set was made. Until then every shard writes a part of it now and then,
of the same form: ``manifests/fog/3/val.1-of-4.json``.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmfan.corruptions import get_corruption
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.layout import Listing, is_leftover
from mmfan.datasets.corrupted.record import MixedSetError, SetRecord
from mmfan.errors import MMFanError
from mmfan.utils.files import write_whole
from mmfan.utils.json_files import parse_json
from mmfan.utils.text import shortlist

MANIFESTS = "manifests"
SAVE_EVERY = 60.0  # seconds between two writings of the parts; what a kill loses is read again
SETTINGS = ("seed", "engine_version", "format", "quality")  # which a manifest repeats from the record of the set


@dataclass(frozen=True)
class Manifest:
    """What one cell of a set holds of one split.

    Attributes:
        corruption: Name of the corruption.
        severity: Its severity.
        split: Name of the split, or ``'all'``.
        seed: Base seed.
        engine_version: :data:`mmfan.corruptions.ENGINE_VERSION`.
        corruption_version: Version of this corruption; another one for those that users add.
        parameters: The numbers behind the severity, or ``None`` where they are not known.
        format: ``'png'`` or ``'jpeg'``.
        quality: Of the JPEGs.
        files: SHA-256 of each file, in hexadecimal, by its path relative to the folder of the cell.
    """

    corruption: str
    severity: int
    split: str
    seed: int
    engine_version: str
    corruption_version: str
    parameters: Any
    format: str
    quality: int | None
    files: Mapping[str, str]

    def differences(self, record: SetRecord) -> list[str]:
        """Where its settings are not those of the set: ``'seed 8, the set 0'``."""
        pairs = [(key, getattr(self, key), getattr(record, key)) for key in SETTINGS]
        return [f"{key} {own}, the set {other}" for key, own, other in pairs if own != other]


def manifest_path(
    target: str | os.PathLike[str], corruption: str, severity: int, split: str, part: str | None = None
) -> Path:
    """Where the manifest of a cell is, or the part of it that one shard (``'1-of-4'``) writes."""
    name = split if part is None else f"{split}.{part}"
    return Path(target) / MANIFESTS / corruption / str(severity) / f"{name}.json"


def find_parts(target: str | os.PathLike[str], corruption: str, severity: int, split: str) -> list[Path]:
    """The parts of the manifest of a cell, sorted."""
    whole = manifest_path(target, corruption, severity, split)
    return sorted(whole.parent.glob(f"{glob.escape(split)}.*-of-*.json"))


def make_manifest(record: SetRecord, corruption: str, severity: int, split: str, files: Mapping[str, str]) -> Manifest:
    """The manifest of a cell, or a part of it, with these files."""
    known = get_corruption(corruption)
    at = known.severities.index(severity)
    return Manifest(
        corruption=corruption,
        severity=severity,
        split=split,
        seed=record.seed,
        engine_version=record.engine_version,
        corruption_version=known.version,
        parameters=known.parameters[at] if at < len(known.parameters) else None,
        format=record.format,
        quality=record.quality,
        files=files,
    )


def manifest_bytes(manifest: Manifest) -> bytes:
    """The file: JSON with sorted keys and files, names as they are on disk."""
    content = {**vars(manifest), "count": len(manifest.files), "files": dict(sorted(manifest.files.items()))}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogateescape")  # names that are no valid Unicode leave as their bytes


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest or a part of one, or return ``None`` if there is none.

    Raises:
        MMFanError: The file is not a manifest; the message names it and says what to do.
    """
    try:
        content = parse_json(path.read_bytes(), "surrogateescape")
        count = content.pop("count")
        manifest = Manifest(**content)
        if count != len(manifest.files):
            raise MMFanError(f"it says {count} files and lists {len(manifest.files)}")
        if not all(type(digest) is str for digest in manifest.files.values()):
            raise MMFanError("its files are not hashes by name")
        if any("\0" in name or not is_within(name) for name in manifest.files):
            raise MMFanError("it names files outside of the folder of its cell")
        "".join(manifest.files).encode("utf-8", "surrogateescape")  # else they can be no names of files
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MMFanError(f"{path} is not a manifest ({error}). Delete it; the next run writes it anew.") from error
    return manifest


def is_within(name: str) -> bool:
    """Whether a relative name stays in the folder that it is relative to.

    >>> is_within("town/a.png"), is_within("../a.png"), is_within("/a.png"), is_within("a..png")
    (True, False, False, True)
    """
    return bool(name) and not name.startswith("/") and ".." not in name.split("/")


@dataclass
class Merge:
    """What became of the cells.

    Attributes:
        written: Cells whose manifest was written.
        complete: Cells that have a manifest now, those among them.
        incomplete: Number of pictures that are there, for each cell that lacks some.
        problems: One sentence for each file that is not what its manifest says.
    """

    written: list[Cell] = field(default_factory=list)
    complete: list[Cell] = field(default_factory=list)
    incomplete: dict[Cell, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Ledger:
    """SHA-256 of the files of one split in some cells; the manifests are read once, when it is made.

    In a ``with`` block nothing is lost to an error: on the way out, what was noted is saved.

    Args:
        target: Root of the set.
        record: What it is made with.
        listing: The clean pictures of the split.
        folders: The folder of each cell.
        part: What the parts of manifests are called that this run writes, ``'1-of-4'``: no two runs write to one file.

    Attributes:
        known: The hashes of what was there when it was made: cell -> file -> SHA-256.

    Raises:
        MixedSetError: A manifest is of other settings, of another version of a corruption, or of another source.
        MMFanError: A manifest cannot be read.
    """

    def __init__(
        self, target: Path, record: SetRecord, listing: Listing, folders: Mapping[Cell, Path], part: str
    ) -> None:
        self.target, self.record, self.listing, self.folders, self.part = target, record, listing, folders, part
        self.places = [picture.place for picture in listing.pictures]
        self.recorded: dict[Cell, dict[str, str]] = {}
        self.own: dict[Cell, dict[str, str]] = {}
        self.known: dict[Cell, dict[str, str]] = {}
        self._unsaved: set[Cell] = set()
        self._made: set[Cell] = set()
        self._next_save = time.monotonic() + SAVE_EVERY
        for cell in folders:
            self.own[cell] = self._files(cell, self._path(cell, part))
            self.known[cell] = self._gather(cell)
            self._check_source(cell)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.save()

    def _check_source(self, cell: Cell) -> None:
        """Pictures that the source lacks mean that the set was begun from another one."""
        strangers = sorted(self.known[cell].keys() - set(self.places))
        if strangers and not self.listing.problems:
            raise MixedSetError(
                f"{self.target} was begun from another source: {len(strangers)} of its pictures of {cell} are not in "
                f"this one: {shortlist(strangers)}. Use another folder."
            )

    def note(self, cell: Cell, file: str, digest: str) -> None:
        """Note a file that has got its final name; now and then all of them are saved."""
        self.own[cell][file] = digest
        self._unsaved.add(cell)
        self._made.add(cell)
        if time.monotonic() > self._next_save:
            self.save()

    def forget(self, cell: Cell, file: str) -> None:
        """Take back what a former run noted of a file that is not there any more."""
        self.own[cell].pop(file, None)

    def save(self) -> None:
        """Write this shard's parts of the manifests, those that have changed."""
        start = time.monotonic()
        for cell in sorted(self._unsaved):
            self._write(cell, self.own[cell], self.part)
        self._unsaved.clear()
        # with a hundred thousand pictures it takes seconds: never more than a twentieth of the time
        self._next_save = time.monotonic() + max(SAVE_EVERY, 20 * (time.monotonic() - start))

    def merge(self) -> Merge:
        """Write the manifest of every cell whose pictures are all there, and save the parts of the others."""
        done = Merge()
        for cell in self.folders:
            files = {**self.own[cell], **self.recorded[cell]}
            if not files.keys() >= set(self.places):
                if cell in self._unsaved:  # before looking at the other shards: of the last two, one sees both
                    self._write(cell, self.own[cell], self.part)
                files = self._gather(cell)
            done.problems += self._contradictions(cell)
            files = {file: files[file] for file in self.places if file in files}
            if self.listing.problems or len(files) < len(self.places):
                done.incomplete[cell] = len(files)
                continue
            if self.recorded[cell] != files:
                self._write(cell, files)
                done.written.append(cell)
            done.complete.append(cell)
            for path in find_parts(self.target, *cell, self.listing.split):
                path.unlink(missing_ok=True)
            if cell in self._made:
                self._sweep(cell)
        self._unsaved.clear()
        return done

    def _gather(self, cell: Cell) -> dict[str, str]:
        """What is known of a cell, by file: its manifest, this shard's files, and those there that others noted."""
        digests: dict[str, set[str]] = defaultdict(set)
        for path in find_parts(self.target, *cell, self.listing.split):
            if path != self._path(cell, self.part):
                for file, digest in self._files(cell, path).items():
                    if (self.folders[cell] / file).is_file():
                        digests[file].add(digest)
        for file, digest in self.own[cell].items():
            digests[file].add(digest)
        # after the parts: who merges them writes the manifest first, and then removes them
        self.recorded[cell] = self._files(cell, self._path(cell))
        found = {file: self._one_digest(cell, file, each) for file, each in digests.items()}
        return found | self.recorded[cell]

    def _one_digest(self, cell: Cell, file: str, digests: set[str]) -> str:
        """The hash of a file that several shards made; where they differ, that of the file which won."""
        if len(digests) == 1:
            return next(iter(digests))
        return hashlib.sha256((self.folders[cell] / file).read_bytes()).hexdigest()

    def _contradictions(self, cell: Cell) -> list[str]:
        recorded = self.recorded[cell]
        return [
            f"{self.folders[cell] / file} was made anew and is not what its manifest says, perhaps with other "
            f"versions of the libraries. To accept it, delete {self._path(cell)} and run again."
            for file, digest in self.own[cell].items()
            if recorded.get(file, digest) != digest
        ]

    def _path(self, cell: Cell, part: str | None = None) -> Path:
        return manifest_path(self.target, *cell, self.listing.split, part)

    def _files(self, cell: Cell, path: Path) -> dict[str, str]:
        manifest = read_manifest(path)
        if manifest is None:
            return {}
        self._check(path, cell, manifest)
        return dict(manifest.files)

    def _check(self, path: Path, cell: Cell, manifest: Manifest) -> None:
        differences = manifest.differences(self.record)
        if differences:
            raise MixedSetError(f"{path} was written with {differences[0]}. Use another folder.")
        there, now = manifest.corruption_version, get_corruption(cell.corruption).version
        if there != now:
            raise MixedSetError(
                f"{self.target} holds pictures of {cell.corruption!r} in its version {there}, this is version "
                f"{now}. Make them in another folder, or delete the old ones with their manifests."
            )

    def _write(self, cell: Cell, files: dict[str, str], part: str | None = None) -> None:
        manifest = make_manifest(self.record, *cell, self.listing.split, files)
        write_whole(self._path(cell, part), manifest_bytes(manifest))

    def _sweep(self, cell: Cell) -> None:
        """Remove what killed runs left among the pictures of a complete cell."""
        for where, _, names in os.walk(self.listing.below(self.folders[cell])):
            for name in filter(is_leftover, names):
                Path(where, name).unlink(missing_ok=True)
