"""The hashes of a set's files: what manifests say, and what this run adds to them."""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from mmfan.corruptions import get_corruption
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.layout import is_leftover
from mmfan.datasets.corrupted.making.plan import Plan
from mmfan.datasets.corrupted.manifest import (
    Manifest,
    find_parts,
    make_manifest,
    manifest_bytes,
    manifest_path,
    read_manifest,
)
from mmfan.datasets.corrupted.record import MixedSetError
from mmfan.utils.files import write_whole

SAVE_EVERY = 60.0  # seconds; what a kill loses is read again


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
    """SHA-256 of the files of one split, for the cells of a plan; the manifests are read once, when it is made.

    Args:
        plan: What is made. Its shard writes parts of manifests of its own, so that no two runs write to one file.

    Raises:
        MixedSetError: A manifest is of other settings, or of another version of a corruption.
        MMFanError: A manifest cannot be read.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.label = f"{plan.shard.number}-of-{plan.shard.total}"
        self.recorded: dict[Cell, dict[str, str]] = {}
        self.own: dict[Cell, dict[str, str]] = {}
        self.known: dict[Cell, dict[str, str]] = {}
        self._unsaved: set[Cell] = set()
        self._made: set[Cell] = set()
        self._next_save = time.monotonic() + SAVE_EVERY
        for cell in plan.cells:
            self.own[cell] = self._files(self._path(cell, self.label), cell)
            self.known[cell] = self._gather(cell)

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
            self._write(cell, self.own[cell], self.label)
        self._unsaved.clear()
        # with a hundred thousand pictures it takes seconds: never more than a twentieth of the time
        self._next_save = time.monotonic() + max(SAVE_EVERY, 20 * (time.monotonic() - start))

    def merge(self) -> Merge:
        """Write the manifest of every cell whose pictures are all there, and save the parts of the others."""
        done = Merge()
        expected = [picture.place for picture in self.plan.listing.pictures]
        for cell in self.plan.cells:
            files = {**self.own[cell], **self.recorded[cell]}
            if not files.keys() >= set(expected):
                if cell in self._unsaved:  # before looking at the other shards: of the last two, one sees both
                    self._write(cell, self.own[cell], self.label)
                files = self._gather(cell)
            done.problems += self._contradictions(cell)
            files = {file: files[file] for file in expected if file in files}
            if self.plan.listing.problems or len(files) < len(expected):
                done.incomplete[cell] = len(files)
                continue
            if self.recorded[cell] != files:
                self._write(cell, files)
                done.written.append(cell)
            done.complete.append(cell)
            for path in find_parts(self.plan.target, *cell, self.plan.listing.split):
                path.unlink(missing_ok=True)
            if cell in self._made:
                self._sweep(cell)
        self._unsaved.clear()
        return done

    def _gather(self, cell: Cell) -> dict[str, str]:
        """What is known of a cell, by file: its manifest, this shard's files, and those there that others noted."""
        digests: dict[str, set[str]] = defaultdict(set)
        for path in find_parts(self.plan.target, *cell, self.plan.listing.split):
            if path != self._path(cell, self.label):
                for file, digest in self._files(path, cell).items():
                    if (self.plan.folders[cell] / file).is_file():
                        digests[file].add(digest)
        for file, digest in self.own[cell].items():
            digests[file].add(digest)
        # after the parts: who merges them writes the manifest first, and then removes them
        self.recorded[cell] = self._files(self._path(cell), cell)
        found = {file: self._one_digest(cell, file, each) for file, each in digests.items()}
        return found | self.recorded[cell]

    def _one_digest(self, cell: Cell, file: str, digests: set[str]) -> str:
        """The hash of a file that several shards made; where they differ, that of the file which won."""
        if len(digests) == 1:
            return next(iter(digests))
        return hashlib.sha256((self.plan.folders[cell] / file).read_bytes()).hexdigest()

    def _contradictions(self, cell: Cell) -> list[str]:
        recorded = self.recorded[cell]
        return [
            f"{self.plan.folders[cell] / file} was made anew and is not what its manifest says, perhaps with other "
            f"versions of the libraries. To accept it, delete {self._path(cell)} and run again."
            for file, digest in self.own[cell].items()
            if recorded.get(file, digest) != digest
        ]

    def _path(self, cell: Cell, part: str | None = None) -> Path:
        return manifest_path(self.plan.target, *cell, self.plan.listing.split, part)

    def _files(self, path: Path, cell: Cell) -> dict[str, str]:
        manifest = read_manifest(path)
        if manifest is None:
            return {}
        self._check(path, cell, manifest)
        return dict(manifest.files)

    def _check(self, path: Path, cell: Cell, manifest: Manifest) -> None:
        differences = manifest.differences(self.plan.record)
        if differences:
            raise MixedSetError(f"{path} was written with {differences[0]}. Use another folder.")
        there, now = manifest.corruption_version, get_corruption(cell.corruption).version
        if there != now:
            raise MixedSetError(
                f"{self.plan.target} holds pictures of {cell.corruption!r} in its version {there}, this is version "
                f"{now}. Make them in another folder, or delete the old ones with their manifests."
            )

    def _write(self, cell: Cell, files: dict[str, str], part: str | None = None) -> None:
        manifest = make_manifest(self.plan.record, *cell, self.plan.listing.split, files)
        write_whole(self._path(cell, part), manifest_bytes(manifest))

    def _sweep(self, cell: Cell) -> None:
        """Remove what killed runs left among the pictures of a complete cell."""
        for where, _, names in os.walk(self.plan.listing.below(self.plan.folders[cell])):
            for name in filter(is_leftover, names):
                Path(where, name).unlink(missing_ok=True)
