"""Making the corrupted forms of one clean picture: what a worker does."""

from __future__ import annotations

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions import corrupt, picture_seed
from mmfan.datasets.corrupted.codec import decode_picture, encode_picture, is_whole, picture_damage

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# What may go wrong with one picture without ending the others. A user's own corruption can raise any of them.
PICTURE_ERRORS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    cv2.error,
)


class CellFolder(NamedTuple):
    """One corruption at one severity, and where its pictures go.

    Attributes:
        corruption: Name of the corruption.
        severity: Its severity.
        folder: The folder of the cell.
    """

    corruption: str
    severity: int
    folder: str


class Unit(NamedTuple):
    """Some corrupted forms of one clean picture, which is decoded once for all of them.

    Sets have a hundred forms of each of many pictures, so that paths are put together when they are needed.

    Attributes:
        picture: Index of the picture in the listing.
        path: The clean picture.
        name: What its seeds are derived from.
        place: Path of the corrupted pictures relative to the folder of their cell.
        cells: Which forms are to be made: indices in the cells of the run.
    """

    picture: int
    path: str
    name: str
    place: str
    cells: tuple[int, ...]


class Settings(NamedTuple):
    """What is the same for all pictures of a run.

    Attributes:
        cells: All cells of the run.
        seed: Base seed.
        format: ``'png'`` or ``'jpeg'``.
        quality: Of the JPEGs.
        label: Marks the temporary files of this shard.
    """

    cells: tuple[CellFolder, ...]
    seed: int
    format: str
    quality: int | None
    label: str


class Made(NamedTuple):
    """A corrupted picture is there, whole, under its final name.

    Attributes:
        picture: Index of the clean picture.
        cell: Index of the cell.
        digest: SHA-256 of the file.
        size: Its bytes.
        kept: Whether it was there already.
    """

    picture: int
    cell: int
    digest: str
    size: int
    kept: bool


class Failed(NamedTuple):
    """Something could not be made.

    Attributes:
        picture: Index of the clean picture.
        cell: Index of the cell; ``None`` if the clean picture itself cannot be used.
        reason: Why.
        forms: Number of corrupted pictures that this is the end of.
    """

    picture: int
    cell: int | None
    reason: str
    forms: int = 1


class DiskFull(NamedTuple):
    """There is no room for a file; nothing of it was left."""

    path: str
    reason: str


@dataclass
class Spent:
    """Seconds that the work took, summed over the workers, by what they went into."""

    decode: float = 0.0
    corrupt: float = 0.0
    encode: float = 0.0
    disk: float = 0.0
    hash: float = 0.0

    def add(self, other: Spent) -> None:
        """Add the seconds of another."""
        for name in self.shares():
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def shares(self) -> dict[str, float]:
        """Share of each kind of work in the whole, 0 to 1; zeros if nothing was done."""
        kinds = ("decode", "corrupt", "encode", "hash", "disk")
        total = sum(getattr(self, name) for name in kinds)
        return {name: getattr(self, name) / total if total else 0.0 for name in kinds}


Message = Made | Failed | DiskFull | Spent


def make_unit(unit: Unit, settings: Settings) -> Iterator[Message]:
    """Make what a unit asks for; a file that is there and undamaged is kept.

    Yields:
        :class:`Made` or :class:`Failed` for each cell, or one :class:`Failed` for all that need the clean picture;
        :class:`DiskFull` ends it. The last message is :class:`Spent`.
    """
    spent = Spent()
    clean: NDArray[np.uint8] | None = None
    for number, cell in enumerate(unit.cells):
        path = os.path.join(settings.cells[cell].folder, unit.place)
        try:
            kept = _kept(path, settings, spent)
        except OSError as error:
            yield Failed(unit.picture, cell, f"{path} cannot be read: {_reason(error)}")
            continue
        if kept is not None:
            yield Made(unit.picture, cell, *kept, kept=True)
            continue
        if clean is None:
            try:
                clean = _decode(unit.path, spent)
            except PICTURE_ERRORS as error:
                yield Failed(unit.picture, None, _reason(error), forms=len(unit.cells) - number)
                break
        try:
            yield Made(unit.picture, cell, *_make(unit.name, path, clean, settings, cell, spent), kept=False)
        except OSError as error:
            if error.errno in DISK_FULL:
                yield DiskFull(path, _reason(error))
                break
            yield Failed(unit.picture, cell, _reason(error))
        except PICTURE_ERRORS as error:
            yield Failed(unit.picture, cell, _reason(error))
    yield spent


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    return text if isinstance(error, (ValueError, OSError)) and text else f"{type(error).__name__}: {text}"


def _decode(path: str, spent: Spent) -> NDArray[np.uint8]:
    start = time.perf_counter()
    content = Path(path).read_bytes()
    read = time.perf_counter()
    try:
        return decode_picture(content)
    finally:
        spent.disk += read - start
        spent.decode += time.perf_counter() - read


def _kept(path: str, settings: Settings, spent: Spent) -> tuple[str, int] | None:
    """Hash and size of a file that is there although nothing is noted of it.

    Its run was killed between naming and noting it, or its journal was lost.
    """
    if not is_whole(path, settings.format):
        return None
    start = time.perf_counter()
    content = Path(path).read_bytes()
    read = time.perf_counter()
    sound = picture_damage(content) is None
    digest = hashlib.sha256(content).hexdigest()
    spent.disk += read - start
    spent.hash += time.perf_counter() - read
    return (digest, len(content)) if sound else None


def _make(
    name: str, path: str, clean: NDArray[np.uint8], settings: Settings, cell: int, spent: Spent
) -> tuple[str, int]:
    """Make one file and return its hash and size."""
    corruption, severity, _ = settings.cells[cell]
    start = time.perf_counter()
    corrupted = corrupt(clean, corruption, severity, picture_seed(settings.seed, name, corruption, severity))
    after_corrupt = time.perf_counter()
    content = encode_picture(corrupted, settings.format, settings.quality)
    after_encode = time.perf_counter()
    digest = hashlib.sha256(content).hexdigest()
    after_hash = time.perf_counter()
    write_new(path, content, settings.label)
    spent.corrupt += after_corrupt - start
    spent.encode += after_encode - after_corrupt
    spent.hash += after_hash - after_encode
    spent.disk += time.perf_counter() - after_hash
    return digest, len(content)


# Two processes never write under one temporary name: a worker whose run was killed may still finish its file while
# the next run is at work on the same one.
_TOKEN = uuid.uuid4().hex[:12]


def part_of(path: str, label: str) -> str:
    """The temporary name of a file."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{os.getpid()}-{_TOKEN}.{label}.part")


def is_part(name: str, label: str | None = None) -> bool:
    """Whether a file name is one that :func:`part_of` gives, for one label or for any.

    >>> is_part(".ulm.png.12-ab.1-of-2.part"), is_part(".ulm.png.12-ab.1-of-2.part", "2-of-2"), is_part(".DS_Store")
    (True, False, False)
    """
    return name.startswith(".") and name.endswith(".part" if label is None else f".{label}.part")


def write_new(path: str, content: bytes, label: str) -> None:
    """Write a file under a temporary name and rename it; the folder is made if need be.

    Raises:
        OSError: It cannot be written; nothing of it is left.
    """
    part = part_of(path, label)
    try:
        try:
            file = open(part, "wb", buffering=0)  # noqa: SIM115 - closed below
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            file = open(part, "wb", buffering=0)  # noqa: SIM115 - closed below
        with file:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.unlink(part)
