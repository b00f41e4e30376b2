"""Checking a corrupted set against its manifests, file by file."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.clean_hashes import compare_clean, recorded_hashes
from mmfan.datasets.corrupted.codec import picture_damage
from mmfan.datasets.corrupted.layout import FORMATS, Listing, cell_folder, is_leftover
from mmfan.datasets.corrupted.manifest import MANIFESTS, manifest_path, read_manifest
from mmfan.datasets.corrupted.record import RECORD_NAME, read_record
from mmfan.errors import MMFanError


@dataclass
class Verification:
    """What :func:`verify_set` found.

    Attributes:
        cells: Number of cells looked at.
        files: Number of files that are as their manifest says.
        problems: One sentence for each thing that is wrong, naming the file; sorted.
        remarks: What could not be checked.
    """

    cells: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def verify_set(
    target: str | os.PathLike[str],
    listing: Listing,
    cells: Iterable[tuple[str, int]] | None = None,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Read every file of a set again and compare it with the manifests.

    Args:
        target: Root of the corrupted set.
        listing: The clean pictures, which say what there should be; the suffixes are those of the set's own format.
        cells: The cells that should be there; ``None`` for those that have a manifest or a folder.
        workers: Number of threads that read and hash.
        progress: Called with the number of files read and to read.

    Returns:
        What is missing, truncated, altered or surplus, and which clean pictures were replaced.

    Raises:
        FileNotFoundError: ``target`` has no record: it is no corrupted set.
        MMFanError: The record or a manifest cannot be read, or the clean pictures are listed in another layout than
            that of the set.
    """
    root = Path(target)
    record = read_record(root)
    if record is None:
        raise FileNotFoundError(f"{root} has no {RECORD_NAME}: it is no set that this tool made.")
    if record.layout != listing.layout:
        raise MMFanError(
            f"{root} was made with the layout {record.layout}, the clean pictures are listed as {listing.layout}: give "
            f"--layout {record.layout}."
        )
    wanted = sorted(cells_there(root, listing) if cells is None else {Cell(*cell) for cell in cells})
    done = Verification(cells=len(wanted), problems=list(listing.problems))
    if not wanted:
        done.problems.append(f"{root} holds nothing of the split {listing.split}.")
    jobs: list[tuple[Path, str]] = []
    suffix = FORMATS.get(record.format)
    places = (Path(picture.place) for picture in listing.pictures)
    expected = {(place.with_suffix(suffix) if suffix else place).as_posix() for place in places}
    for cell in wanted:
        folder = cell_folder(root, record.layout, *cell)
        manifest = read_manifest(manifest_path(root, *cell, listing.split))
        found = _files_below(folder, listing)
        if manifest is None:
            done.problems.append(
                f"{cell} is not complete: {len(found & expected)} of {len(expected)} pictures are there, and no "
                "manifest. Run without --verify to make the rest."
            )
        else:
            done.problems += [f"the manifest of {cell} says {text}" for text in manifest.differences(record)]
            jobs += [(folder / file, digest) for file, digest in sorted(manifest.files.items())]
            done.problems += [f"missing in the manifest: {folder / file}" for file in expected - set(manifest.files)]
        surplus = found - (expected if manifest is None else set(manifest.files))
        done.problems += [f"surplus: {folder / file}" for file in surplus]
    _hash_all(jobs, workers, done, progress)
    _check_clean(root, listing, done)
    done.problems.sort()
    return done


def _check_clean(root: Path, listing: Listing, done: Verification) -> None:
    """See whether the clean pictures are those that the set was made from."""
    found = compare_clean(recorded_hashes(root, listing.split), {one.name: one.path for one in listing.pictures})
    done.problems += [f"replaced since the set was made from it: {path}" for path in found.replaced]
    if found.unknown and not done.problems:
        done.remarks.append(
            f"{root} does not say which clean pictures {found.unknown} of {len(listing.pictures)} were made from (sets "
            "of version 0.1 do not): whether they have been replaced since cannot be told."
        )


def cells_there(root: Path, listing: Listing) -> set[Cell]:
    """Cells that have a manifest of the split, or pictures of it."""
    manifests = [path.parent for path in (root / MANIFESTS).glob(f"*/*/{glob.escape(listing.split)}.json")]
    folders = [
        folder
        for folder in cell_folder(root, listing.layout, "any", 0).parent.parent.glob("*/[0-9]*")
        if folder.is_dir() and _files_below(folder, listing)
    ]
    return {Cell(path.parent.name, int(path.name)) for path in (*manifests, *folders) if path.name.isdecimal()}


def _files_below(folder: Path, listing: Listing) -> set[str]:
    """Files of the split in a cell: pictures and what killed runs left, without other hidden files."""
    return {
        Path(where, name).relative_to(folder).as_posix()
        for where, _, names in os.walk(listing.below(folder))
        for name in names
        if not name.startswith(".") or is_leftover(name)
    }


def _hash_all(
    jobs: list[tuple[Path, str]], workers: int, done: Verification, progress: Callable[[int, int], None] | None
) -> None:
    with ThreadPoolExecutor(workers) as pool:  # reading and hashing release the interpreter
        for count, problem in enumerate(pool.map(_problem_of, jobs), start=1):
            if problem is None:
                done.files += 1
            else:
                done.problems.append(problem)
            if progress is not None:
                progress(count, len(jobs))


def _problem_of(job: tuple[Path, str]) -> str | None:
    path, digest = job
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return f"missing: {path}"
    except OSError as error:
        return f"unreadable: {path}: {error.strerror}"
    if hashlib.sha256(content).hexdigest() == digest:
        return None
    damage = picture_damage(content)
    return f"altered: {path}" if damage is None else f"truncated or damaged: {path}: {damage}"
