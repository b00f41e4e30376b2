"""From journals to manifests."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mmfan.corruptions import UnknownCorruptionError, get_corruption
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.layout import Listing, cell_folder
from mmfan.datasets.corrupted.making.journal import WORK_FOLDER, Entry, find_journals, read_journal
from mmfan.datasets.corrupted.making.worker import is_part
from mmfan.datasets.corrupted.manifest import MANIFESTS, make_manifest, manifest_bytes, manifest_path, read_manifest
from mmfan.datasets.corrupted.record import MixedSetError, SetRecord

Digests = dict[Cell, dict[str, str]]


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


def known_digests(target: Path, record: SetRecord, split: str, cells: Iterable[Cell]) -> Digests:
    """SHA-256 of every file of a split that a manifest or a journal tells of, for the cells asked for.

    Raises:
        MixedSetError: Some were made with other settings, or with another version of a corruption.
        ValueError: A manifest or journal cannot be read.
    """
    noted = _noted(target, split)
    known: Digests = {}
    for cell in cells:
        known[cell] = {}
        for file, digests in noted.get(cell, {}).items():
            known[cell][file] = _one_digest(digests, cell_folder(target, record.layout, *cell) / file)
        known[cell].update(_recorded(target, record, split, cell))
    return known


def _noted(target: Path, split: str) -> dict[Cell, dict[str, set[str]]]:
    """What the journals say of a split: cell -> file -> its hashes, of which there should be one."""
    noted: dict[Cell, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in find_journals(target):
        latest: dict[tuple[Cell, str], str] = {}
        for entry in read_journal(path):
            _check_version(target, entry.corruption, entry.version)
            if entry.split == split:
                latest[Cell(entry.corruption, entry.severity), entry.file] = entry.digest
        for (cell, file), digest in latest.items():
            noted[cell][file].add(digest)
    return noted


def _check_version(target: Path, corruption: str, version: str) -> None:
    try:
        now = get_corruption(corruption).version
    except UnknownCorruptionError:
        return  # another run's own corruption, which this one does not touch
    if now != version:
        raise MixedSetError(
            f"{target} holds pictures of {corruption!r} in its version {version}, this is version {now}. Make them in "
            "another folder, or delete the old ones with their manifests."
        )


def _recorded(target: Path, record: SetRecord, split: str, cell: Cell) -> Mapping[str, str]:
    """What the manifest of a cell says, if it has one."""
    path = manifest_path(target, *cell, split)
    manifest = read_manifest(path)
    if manifest is None:
        return {}
    for key in ("seed", "engine_version", "format", "quality"):
        there, now = getattr(manifest, key), getattr(record, key)
        if there != now:
            raise MixedSetError(f"{path} was written with {key} {there}, this is {now}. Use another folder.")
    _check_version(target, cell.corruption, manifest.corruption_version)
    return manifest.files


def _one_digest(digests: set[str], path: Path) -> str:
    """The hash of a file that several shards made; where they differ, that of the file which won."""
    if len(digests) == 1:
        return next(iter(digests))
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def merge(target: Path, record: SetRecord, listing: Listing, cells: Iterable[Cell]) -> Merge:
    """Write the manifest of every cell whose pictures are all there.

    Args:
        target: Root of the corrupted set.
        record: What it is made with.
        listing: The clean pictures. If a folder of theirs could not be read, no cell is complete.
        cells: The cells that this run was asked for; others that a journal tells of are looked at too.

    Raises:
        MixedSetError: See :func:`known_digests`.
    """
    done = Merge()
    noted = _noted(target, listing.split)
    expected = [picture.place for picture in listing.pictures]
    wanted = set(cells)
    for cell in sorted(wanted | {cell for cell in noted if _is_known(cell)}):
        folder = cell_folder(target, record.layout, *cell)
        recorded = _recorded(target, record, listing.split, cell)
        files = dict(recorded)
        for file, digests in noted.get(cell, {}).items():
            digest = _one_digest(digests, folder / file)
            if recorded.get(file, digest) != digest:
                done.problems.append(
                    f"{folder / file} was made anew and is not what its manifest says, perhaps with other versions of "
                    f"the libraries. To accept it, delete {manifest_path(target, *cell, listing.split)} and run again."
                )
            files.setdefault(file, digest)
        there = [file for file in expected if file in files and (file in recorded or (folder / file).is_file())]
        if listing.problems or len(there) < len(expected):
            if cell in wanted:
                done.incomplete[cell] = len(there)
            continue
        content = manifest_bytes(make_manifest(record, *cell, listing.split, {file: files[file] for file in expected}))
        if _write_manifest(manifest_path(target, *cell, listing.split), content):
            done.written.append(cell)
            _sweep(folder, None)
        done.complete.append(cell)
    return done


def _is_known(cell: Cell) -> bool:
    try:
        return cell.severity in get_corruption(cell.corruption).severities
    except UnknownCorruptionError:
        return False


def _write_manifest(path: Path, content: bytes) -> bool:
    """Write a manifest, unless it is there with just this content. Several shards may write the same one at once."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(6).hex()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return True


def _sweep(folder: Path, label: str | None) -> None:
    """Remove the temporary files that killed runs left, those of one shard or all."""
    for where, _, names in os.walk(folder):
        for name in names:
            if is_part(name, label):
                Path(where, name).unlink(missing_ok=True)


def sweep_shard(target: Path, record: SetRecord, cells: Iterable[Cell], label: str) -> None:
    """Remove the temporary files that killed runs of one shard left in some cells."""
    for cell in cells:
        _sweep(cell_folder(target, record.layout, *cell), label)


def clear_journals(target: Path, record: SetRecord) -> None:
    """Remove the journals that say nothing but what the manifests say, and the working folder when it is empty.

    A journal whose shard is locked, and may still grow, is left alone.
    """
    folder = target / WORK_FOLDER
    recorded: dict[tuple[str, int, str], Mapping[str, str]] = {}

    def is_recorded(entry: Entry) -> bool:
        key = (entry.corruption, entry.severity, entry.split)
        if key not in recorded:
            manifest = read_manifest(manifest_path(target, *key))
            recorded[key] = {} if manifest is None else manifest.files
        return recorded[key].get(entry.file) == entry.digest

    for path in find_journals(target):
        locked = (folder / f"lock-{path.stem.removeprefix('journal-')}.json").exists()
        if not locked and all(is_recorded(entry) for entry in read_journal(path)):
            path.unlink(missing_ok=True)
    if list(folder.glob("lock-*.json")):
        return  # others are at work, and theirs is what else is there
    strays = (folder.glob("*.part"), target.glob(".*.part"), (target / MANIFESTS).glob("*/*/.*.part"))
    for path in (path for paths in strays for path in paths):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # not empty: another shard's journal is waiting there
        folder.rmdir()
