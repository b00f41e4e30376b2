"""Folders of ImageNet's form: one folder of pictures for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mmfan.utils.files import PICTURE_SUFFIXES


def in_order(folders: Sequence[str]) -> tuple[str, ...]:
    """Names of class folders in the order of their numbers: as texts, but numbers as numbers (ImageNet-V2's).

    >>> in_order(["n02", "n01"]), in_order(["10", "9", "100"])
    (('n01', 'n02'), ('9', '10', '100'))
    """
    if all(name.isascii() and name.isdigit() for name in folders):
        return tuple(sorted(folders, key=int))
    return tuple(sorted(folders))


def need_folder(folder: Path) -> Path:
    """The folder.

    Raises:
        FileNotFoundError: There is none.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder {folder.absolute()} does not exist.")
    return folder


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the class folders in a folder, in the order of their numbers.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    return in_order([one.name for one in os.scandir(need_folder(folder)) if one.is_dir() and one.name[0] != "."])


def pictures_of_classes(folder: Path) -> list[tuple[str, str]]:
    """Every picture below the class folders with the name of its class, sorted by class, then by path.

    Raises:
        FileNotFoundError: There is no such folder, or no picture.
    """
    found: list[tuple[str, str]] = []
    for kind in class_folders(folder):
        paths = [path for path in (folder / kind).rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES]
        found += [(str(path), kind) for path in sorted(paths) if not path.name.startswith(".")]
    if not found:
        raise FileNotFoundError(
            f"There is no picture in folders below {folder}: expected one folder for each class, or a list of the "
            "pictures' classes as `labels`."
        )
    return found
