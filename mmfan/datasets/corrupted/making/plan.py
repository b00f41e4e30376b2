"""What is to be made, what of it is there, and how much room the rest takes."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmfan.corruptions import ENGINE_VERSION, get_corruption
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.codec import is_whole, picture_size
from mmfan.datasets.corrupted.layout import FORMATS, Listing, cell_folder, list_pictures
from mmfan.datasets.corrupted.making.merge import Digests, known_digests
from mmfan.datasets.corrupted.making.shards import WHOLE, Shard
from mmfan.datasets.corrupted.making.worker import Unit
from mmfan.datasets.corrupted.record import MixedSetError, SetRecord, check_same, library_versions, read_record
from mmfan.errors import MMFanError
from mmfan.utils.text import shortlist

# Size of a corrupted picture as a share of its pixels' bytes, a little above the mean over all types and severities:
# measured on photographs of 2048x1024 as PNG 0.48 (gaussian noise 0.97, strong contrast loss 0.14), on smaller and
# sharper ones 0.6; as JPEG of quality 95 0.13 to 0.3.
PNG_SHARE = 0.55
JPEG_SHARE = {95: 0.25, 75: 0.12}
SAMPLED = 64  # pictures whose size is looked up


@dataclass(frozen=True)
class Plan:
    """A corrupted set, or a part of one, that can be made.

    Attributes:
        source: Root of the clean set.
        target: Root of the corrupted set.
        listing: The clean pictures of the split.
        cells: What is made of each.
        record: What it is made with.
        shard: The part of the pictures that is made here.
    """

    source: Path
    target: Path
    listing: Listing
    cells: tuple[Cell, ...]
    record: SetRecord
    shard: Shard = WHOLE

    @property
    def own(self) -> Sequence[int]:
        """Indices of the pictures of this shard."""
        return self.shard.part_of(range(len(self.listing.pictures)))

    @property
    def folders(self) -> list[str]:
        """The folder of each cell."""
        return [str(cell_folder(self.target, self.record.layout, *cell)) for cell in self.cells]


@dataclass(frozen=True)
class Survey:
    """What of a plan is there.

    Attributes:
        kept: Number of corrupted pictures of this shard that are there and accounted for.
        units: What is still to be made, picture by picture.
        count: Number of corrupted pictures in ``units``.
        size: Bytes that they will take, roughly.
        remarks: What a person should know before adding to the set.
    """

    kept: int
    units: tuple[Unit, ...]
    count: int
    size: int
    remarks: tuple[str, ...]


def make_plan(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    cells: Iterable[tuple[str, int]],
    *,
    layout: str = "auto",
    split: str | None = None,
    picture_format: str = "png",
    quality: int | None = None,
    seed: int = 0,
    shard: Shard = WHOLE,
) -> Plan:
    """Check what is asked for and list the pictures; nothing is written.

    Args:
        source: Root of the clean set.
        target: Root of the corrupted set.
        cells: (corruption, severity) of everything that is made of each picture.
        layout: ``'auto'``, ``'cityscapes'``, ``'coco'`` or ``'folder'``; see
            :mod:`mmfan.datasets.corrupted.layout`.
        split: Name of the split; ``None`` for ``'val'``.
        picture_format: ``'png'``, which adds no further loss, or ``'jpeg'``.
        quality: Of the JPEGs, 1 to 100; ``None`` for 95.
        seed: Base seed.
        shard: The part of the pictures that is made here.

    Raises:
        FileNotFoundError: There is no such set or split, or it holds no picture.
        UnknownCorruptionError: A corruption is not known.
        MMFanError: Another argument is out of range, two pictures would be written to one file, or ``target`` lies
            where its pictures would be taken for clean ones.
    """
    chosen = tuple(dict.fromkeys(Cell(*cell) for cell in cells))
    if not chosen:
        raise MMFanError("Expected at least one corruption and severity, got none.")
    for cell in chosen:
        known = get_corruption(cell.corruption)
        if cell.severity not in known.severities:
            raise MMFanError(
                f"{cell.corruption} has the severities {', '.join(map(str, known.severities))}, got {cell.severity!r}."
            )
    if picture_format not in FORMATS:
        raise MMFanError(f"Expected the format to be one of {', '.join(FORMATS)}, got {picture_format!r}.")
    if picture_format == "png" and quality is not None:
        raise MMFanError(f"PNG is free of loss and has no quality, got {quality}. Leave it out, or ask for jpeg.")
    if picture_format == "jpeg":
        quality = 95 if quality is None else quality
        if not 1 <= quality <= 100:
            raise MMFanError(f"Expected a JPEG quality from 1 to 100, got {quality}.")
    if seed < 0:
        raise MMFanError(f"Expected a seed of at least 0, got {seed}.")
    listing = list_pictures(source, layout, split, picture_format)
    _check_place(Path(source), Path(target), listing.layout)
    record = SetRecord(seed, ENGINE_VERSION, listing.layout, picture_format, quality, library_versions())
    return Plan(Path(source), Path(target), listing, chosen, record, shard)


def _check_place(source: Path, target: Path, layout: str) -> None:
    if target.exists() and not target.is_dir():
        raise MMFanError(f"Expected {target} to be a folder or not to exist, it is a file.")
    inside = source.resolve() in (target.resolve(), *target.resolve().parents)
    if source.resolve() == target.resolve() or (layout == "folder" and inside):
        raise MMFanError(
            f"{target} is {source} or lies in it: corrupted pictures would be taken for clean ones. Give a folder "
            "outside of it."
        )


def survey(plan: Plan, workers: int = 1) -> Survey:
    """Look at what is there.

    Args:
        plan: What is wanted.
        workers: Number of processes that the rest is to be split for.

    Raises:
        MixedSetError: What is there was made with other settings, from another source, or by something else.
        MMFanError: A record, manifest or journal cannot be read.
    """
    remarks, known = check_target(plan)
    folders, noted = plan.folders, [known[cell] for cell in plan.cells]
    kept, missing = 0, []
    for index in plan.own:
        place = plan.listing.pictures[index].place
        absent = [
            at
            for at, folder in enumerate(folders)
            if place not in noted[at] or not is_whole(os.path.join(folder, place), plan.record.format)
        ]
        kept += len(folders) - len(absent)
        if absent:
            missing.append((index, absent))
    count = sum(len(absent) for _, absent in missing)
    size = count * _bytes_a_picture(plan, [index for index, _ in missing])
    return Survey(kept, tuple(_split(plan, missing, workers)), count, size, tuple(remarks))


def check_target(plan: Plan) -> tuple[list[str], Digests]:
    """Check that the pictures of a plan may be added to what is there.

    Returns:
        Remarks on versions of libraries, and the hashes of the pictures that are accounted for.

    Raises:
        MixedSetError: What is there was made with other settings, from another source, or by something else.
        MMFanError: A record, manifest or journal cannot be read.
    """
    there = read_record(plan.target)
    remarks = [] if there is None else check_same(plan.target, there, plan.record)
    if there is None:
        _check_empty(plan)
    known = known_digests(plan.target, plan.record, plan.listing.split, plan.cells)
    _check_source(plan, known)
    return remarks, known


def _check_empty(plan: Plan) -> None:
    """A set without a record must have nothing in the places where this one goes."""
    for cell in plan.cells:
        folder = cell_folder(plan.target, plan.record.layout, *cell)
        if folder.is_dir() and any(files for _, _, files in os.walk(folder)):
            raise MixedSetError(
                f"{folder} holds files, but {plan.target} has no record of how they were made. Make the set in another "
                "folder."
            )


def _check_source(plan: Plan, known: Digests) -> None:
    """Pictures that the source lacks mean that the set was begun from another one."""
    if plan.listing.problems:
        return
    expected = {picture.place for picture in plan.listing.pictures}
    for cell, files in known.items():
        strangers = sorted(set(files) - expected)
        if strangers:
            raise MixedSetError(
                f"{plan.target} was begun from another source: {len(strangers)} of its pictures of {cell} are not in "
                f"{plan.source}: {shortlist(strangers)}. Use another folder."
            )


def _split(plan: Plan, missing: list[tuple[int, list[int]]], workers: int) -> Iterator[Unit]:
    """One unit a picture; more if there are so few pictures that some workers would wait for the last ones."""
    pieces = 1 if workers == 1 or not missing else math.ceil(4 * workers / len(missing))
    for index, absent in missing:
        path, name, place = plan.listing.pictures[index]
        step = math.ceil(len(absent) / pieces)
        for start in range(0, len(absent), step):
            yield Unit(index, path, name, place, tuple(absent[start : start + step]))


def _bytes_a_picture(plan: Plan, pictures: list[int]) -> int:
    """Mean size of a corrupted picture to be expected, from the headers of some clean ones."""
    step = max(1, len(pictures) // SAMPLED)
    sizes = [picture_size(plan.listing.pictures[index].path) for index in pictures[::step]]
    pixels = [width * height for width, height in filter(None, sizes)]
    if not pixels:
        return 0
    quality = plan.record.quality
    share = (
        PNG_SHARE
        if quality is None
        else next((share for least, share in JPEG_SHARE.items() if quality >= least), min(JPEG_SHARE.values()))
    )
    return math.ceil(3 * share * sum(pixels) / len(pixels))


def free_space(target: Path) -> int:
    """Free bytes where ``target`` is or will be."""
    place = target.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
