"""Plan of a corrupted set: the pictures, the cells, the settings, checked before anything is written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmfan.corruptions import ENGINE_VERSION, get_corruption
from mmfan.corruptions.cell import Cell
from mmfan.corruptions.engine import check_severity
from mmfan.datasets.corrupted.layout import FORMATS, Listing, cell_folder, clean_set, list_pictures
from mmfan.datasets.corrupted.record import SetRecord, library_versions
from mmfan.errors import MMFanError
from mmfan.utils.checks import whole_number
from mmfan.utils.processes.shards import WHOLE, Shard


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

    @cached_property
    def folders(self) -> dict[Cell, Path]:
        """The folder of each cell."""
        return {cell: cell_folder(self.target, self.record.layout, *cell) for cell in self.cells}


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
    chosen = tuple(dict.fromkeys(Cell(name, check_severity(get_corruption(name), level)) for name, level in cells))
    if not chosen:
        raise MMFanError("Expected at least one corruption and severity, got none.")
    if picture_format not in FORMATS:
        raise MMFanError(f"Expected the format to be one of {', '.join(FORMATS)}, got {picture_format!r}.")
    if picture_format == "png" and quality is not None:
        raise MMFanError(f"PNG is free of loss and has no quality, got {quality}. Leave it out, or ask for jpeg.")
    if picture_format == "jpeg":
        quality = 95 if quality is None else quality
        if not 1 <= quality <= 100:
            raise MMFanError(f"Expected a JPEG quality from 1 to 100, got {quality}.")
    seed = whole_number("seed", seed, 0)
    listing = list_pictures(source, layout, split, picture_format)
    _check_place(Path(source), Path(target), listing.layout)
    record = SetRecord(seed, ENGINE_VERSION, listing.layout, picture_format, quality, library_versions())
    return Plan(Path(source), Path(target), listing, chosen, record, shard)


def _check_place(source: Path, target: Path, layout: str) -> None:
    if target.exists() and not target.is_dir():
        raise MMFanError(f"Expected {target} to be a folder or not to exist, it is a file.")
    inside = target.resolve().is_relative_to(source.resolve())
    below = target.resolve().relative_to(source.resolve()).parts if inside else ()
    # of a set with splits, what lies beside the folders of its pictures is taken for none of them
    if inside and (layout == "folder" or not below or clean_set(below[0]).layout == layout):
        raise MMFanError(
            f"{target} is {source} or lies in it: corrupted pictures would be taken for clean ones. Give a folder "
            "outside of it."
        )
