"""The one walk through a folder and those below it, by which the pictures of a set are found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def walk(
    folder: str | os.PathLike[str], onerror: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Go through a folder and those below it; hidden names are left out.

    Links to folders are followed, but not one that leads back to where the walk came from: all would come again below.

    Args:
        folder: Where to begin; one that does not exist holds nothing.
        onerror: Gets the error of each folder that cannot be read; without it such a folder is passed over.

    Yields:
        A folder, and the names of the files in it.
    """
    for where, folders, files in os.walk(folder, onerror=onerror, followlinks=True):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not _leads_back(os.path.join(where, name))
        )
        yield where, [name for name in files if not name.startswith(".")]


def _leads_back(folder: str) -> bool:
    """Whether a folder is a link to one that was walked through to reach it."""
    if not os.path.islink(folder):
        return False
    there = os.path.realpath(folder)
    return any(os.path.realpath(parent) == there for parent in Path(os.path.abspath(folder)).parents)
