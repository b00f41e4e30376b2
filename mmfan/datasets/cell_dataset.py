"""Base of the datasets of corrupted sets: the pictures of one cell in place of the clean ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

from mmengine import fileio

from mmfan.corruptions import ENGINE_VERSION
from mmfan.datasets.corrupted.layout import FORMATS
from mmfan.datasets.corrupted.lookup import (
    CellSource,
    CleanSet,
    clean_set,
    corrupted_root,
    folder_of_cell,
    on_disk,
    seed_of_picture,
    seed_of_set,
)
from mmfan.datasets.corrupted.record import read_record
from mmfan.datasets.transforms.corrupt import CORRUPTION_META_KEYS, NAME_ROOT_KEY, Corrupt
from mmfan.datasets.transforms.loading import change_after_loading
from mmfan.datasets.transforms.pipelines import carry_meta_keys, check_uncorrupted


def files_below(folder: str, backend_args: dict[str, Any] | None = None) -> list[str] | None:
    """Files of a folder and those below it, relative, with ``/``; ``None`` if there is no such folder."""
    if not fileio.isdir(folder, backend_args=backend_args):
        return None
    names = fileio.list_dir_or_file(folder, list_dir=False, recursive=True, backend_args=backend_args)
    return [name.replace(os.sep, "/") for name in names]


def folders_in(folder: str, backend_args: dict[str, Any] | None = None) -> list[str]:
    """Names of the folders in a folder, sorted; none if it does not exist."""
    if not fileio.isdir(folder, backend_args=backend_args):
        return []
    return sorted(fileio.list_dir_or_file(folder, list_file=False, backend_args=backend_args))


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
    found, base_seed = (paths, None) if cell.is_clean else _from_disk(paths, cell, clean, backend_args)
    return [
        {
            **sample,
            "img_path": path,
            "clean_img_path": sample["img_path"],
            "corruption": cell.corruption,
            "severity": cell.severity,
            "corruption_seed": seed_of_picture(base_seed, clean.name(sample["img_path"]), cell),
        }
        for sample, path in zip(samples, found, strict=True)
    ]


def _from_disk(
    paths: list[str], cell: CellSource, clean: CleanSet, backend_args: dict[str, Any] | None
) -> tuple[list[str], int | None]:
    root = corrupted_root(cell, clean)
    folder = folder_of_cell(root, clean, cell)
    record = None if "://" in root else read_record(root)
    base_seed = seed_of_set(root, cell, None if record is None else record.seed)
    if record is not None and record.engine_version != ENGINE_VERSION:
        warnings.warn(
            f"The corrupted set {root} was made by version {record.engine_version} of the corruptions, this is "
            f"{ENGINE_VERSION}: pictures made on the fly may differ from it.",
            stacklevel=2,
        )
    there = files_below(folder, backend_args)
    beside = folders_in(os.path.dirname(os.path.dirname(folder)), backend_args) if there is None else []
    preferred = None if record is None else FORMATS.get(record.format)
    held = [name for name in beside if name != "manifests"]
    return on_disk(paths, cell, clean, there, preferred=preferred, cells=held), base_seed


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
