"""Base of the datasets of corrupted sets: the pictures of one cell in place of the clean ones."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mmengine import fileio

from mmfan.corruptions import corruption_names, get_corruption
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.corruptions.engine import check_severity
from mmfan.datasets.corrupted.layout import clean_set
from mmfan.datasets.corrupted.lookup import CorruptedSet
from mmfan.datasets.transforms.choices import check_seed
from mmfan.datasets.transforms.corrupt import CORRUPTION_META_KEYS, NAME_ROOT_KEY, Corrupt
from mmfan.datasets.transforms.loading import change_after_loading
from mmfan.datasets.transforms.pipelines import carry_meta_keys, check_uncorrupted
from mmfan.errors import MMFanError

SOURCES = ("disk", "fly")


@dataclass(frozen=True)
class CellSource:
    """Which corrupted pictures are wanted, and from where.

    Attributes:
        corruption: Name of the corruption, or ``'clean'``.
        severity: Its severity; 0 for ``'clean'``.
        source: ``'disk'``: from the files of a corrupted set; ``'fly'``: corrupted when they are loaded.
        corrupted_root: Root of the corrupted set; ``None`` for the clean set's root with ``_c`` at its end.
        seed: Base seed; ``None`` for that of the set on disk, which is 0 where nothing says so.
    """

    corruption: str
    severity: int
    source: str = "disk"
    corrupted_root: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise MMFanError(f"Expected `source` to be 'disk' or 'fly', got {self.source!r}.")
        if type(self.severity) is not int:
            raise MMFanError(f"Expected `severity` to be one whole number, got {self.severity!r}.")
        if type(self.corruption) is not str:
            raise MMFanError(f"Expected `corruption` to be the name of one corruption, got {self.corruption!r}.")
        check_seed(self.seed)
        self._check_cell()

    def _check_cell(self) -> None:
        if self.corruption == CLEAN.corruption or self.severity == 0:
            if not self.is_clean:
                raise MMFanError(
                    "Severity 0 and corruption 'clean' go together, got "
                    f"corruption={self.corruption!r}, severity={self.severity}."
                )
            return
        # A set on disk may hold corruptions that nobody has registered here: its folders decide.
        if self.source == "fly" or self.corruption in corruption_names():
            check_severity(get_corruption(self.corruption), self.severity)
        elif self.severity < 0 or not re.fullmatch(r"\w+", self.corruption):
            raise MMFanError(f"There is no corruption {self.corruption!r} at severity {self.severity}.")

    @property
    def is_clean(self) -> bool:
        """Whether the clean pictures are wanted."""
        return self.cell == CLEAN

    @property
    def cell(self) -> Cell:
        """The corruption and its severity."""
        return Cell(self.corruption, self.severity)


def files_below(folder: str, backend_args: dict[str, Any] | None = None) -> list[str] | None:
    """Files of a folder and those below it, relative, with ``/``; ``None`` if there is no such folder."""
    if not fileio.isdir(folder, backend_args=backend_args):
        return None
    names = fileio.list_dir_or_file(folder, list_dir=False, recursive=True, backend_args=backend_args)
    return [name.replace(os.sep, "/") for name in names]


def samples_of_cell(
    samples: Sequence[dict[str, Any]], cell: CellSource, image_dir: str, backend_args: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Samples of a clean set with the pictures of one cell.

    Args:
        samples: Each with ``img_path``; they are not changed.
        cell: What is wanted.
        image_dir: Folder of the clean pictures.
        backend_args: Arguments of the mmengine file backend.

    Returns:
        New samples. From disk, and for ``'clean'``, they carry ``corruption``, ``severity`` and ``corruption_seed``
        (``None`` where it is not known), and ``clean_img_path``; on the fly the transform adds these, and the samples
        carry the root of their names where the layout does not say it.

    Raises:
        FileNotFoundError: A corrupted picture is missing.
        ValueError: The set was made with another seed than the one wanted.
    """
    clean = clean_set(image_dir)
    if cell.source == "fly" and not cell.is_clean:
        extra = {} if clean.name_root is None else {NAME_ROOT_KEY: clean.name_root}
        return [{**sample, **extra} for sample in samples]
    paths = [sample["img_path"] for sample in samples]
    found: list[str] = paths
    seeds: list[int | None] = [None] * len(paths)
    if not cell.is_clean:
        listing = partial(files_below, backend_args=backend_args)
        corrupted = CorruptedSet(cell.corrupted_root or clean.corrupted_root, clean, cell.seed, listing)
        if corrupted.other_engine:
            warnings.warn(corrupted.other_engine, stacklevel=2)
        found = corrupted.find(paths, cell.cell)
        seeds = [corrupted.seed_of(path, cell.cell) for path in paths]
    return [
        {
            **sample,
            "img_path": path,
            "clean_img_path": sample["img_path"],
            "corruption": cell.corruption,
            "severity": cell.severity,
            "corruption_seed": seed,
        }
        for sample, path, seed in zip(samples, found, seeds, strict=True)
    ]


class OneCell:
    """Mixed into a dataset of mmseg or mmdet: its pictures are those of one cell.

    The dataset sets ``cell`` before its base is initialised. Whatever pipeline it is given later, by a hook for
    instance, corrupts on the fly too, and hands on what was done in the metainfo of the data samples.
    """

    cell: CellSource

    @property
    def pipeline(self) -> Any:
        """The built pipeline, with the corruption in it where it is made on the fly."""
        return self._pipeline

    @pipeline.setter
    def pipeline(self, built: Any) -> None:
        if built is getattr(self, "_pipeline", None):
            return  # it has been through this
        cell = self.cell
        check_uncorrupted(built, f"{type(self).__name__} gives the pictures of {cell.corruption} itself")
        if not cell.is_clean:
            on_the_fly = cell.source == "fly"
            change = Corrupt(cell.corruption, cell.severity, seed=cell.seed or 0) if on_the_fly else None
            change_after_loading(built, change)
        carry_meta_keys(built, CORRUPTION_META_KEYS)
        self._pipeline = built
