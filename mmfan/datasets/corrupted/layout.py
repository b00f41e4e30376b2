"""Layouts of sets: the pictures that a set holds, and where each corrupted one goes.

======================  =====================================  ====================================================
layout                  picture, below SOURCE                  corrupted picture, below TARGET
======================  =====================================  ====================================================
``cityscapes``          leftImg8bit/val/ulm/a_leftImg8bit.png  leftImg8bit/fog/3/val/ulm/a_leftImg8bit.png
``coco``                val2017/000000000139.jpg               fog/3/val2017/000000000139.png
``folder``              any/where.jpg                          fog/3/any/where.png
======================  =====================================  ====================================================

The name that a picture's seed is derived from is that of the clean picture: ``val/ulm/a_leftImg8bit.png``,
``val2017/000000000139.jpg``, ``any/where.jpg`` (the rule of :func:`mmfan.corruptions.picture_name`, with SOURCE as the
root of a plain folder).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mmfan.corruptions import picture_name
from mmfan.errors import MMFanError
from mmfan.utils.files import PICTURE_SUFFIXES, is_part
from mmfan.utils.folders import walk

LAYOUTS = ("cityscapes", "coco", "folder")
# suffix of the files written, by their format
FORMATS = {"png": ".png", "jpeg": ".jpg"}
CITYSCAPES_PICTURES = "leftImg8bit"
COCO_SPLIT = re.compile(r"(train|val|test|unlabeled)20\d\d")
DEFAULT_SPLIT = "val"
FOLDER_SPLIT = "all"  # what the manifests of a plain folder, which has no splits, are called


class Picture(NamedTuple):
    """One clean picture.

    Attributes:
        path: Where it is.
        name: What its seeds are derived from.
        place: Path of its corrupted forms relative to the folder of a cell, with ``/``.
    """

    path: str
    name: str
    place: str


@dataclass(frozen=True)
class CleanSet:
    """Where a clean set lies and how its pictures are named.

    Attributes:
        layout: One of :data:`LAYOUTS`.
        root: What ``mmfan corrupt`` takes as SOURCE; empty if it is not known.
        split: What it takes as ``--split``; ``None`` where there is none to give.
    """

    layout: str
    root: str
    split: str | None

    def name(self, path: str) -> str:
        """The name of a clean picture, that its seed is derived from."""
        return picture_name(path, self.name_root)

    @property
    def name_root(self) -> str | None:
        """The folder that names are relative to; ``None`` where the layout says it."""
        return (self.root or None) if self.layout == "folder" else None

    @property
    def corrupted_root(self) -> str:
        """Where its corrupted set is if nothing else is said: beside it, with ``_c`` at its end."""
        return f"{os.path.abspath(self.root) if self.root in ('.', '/') else self.root}_c"


def clean_set(image_dir: str) -> CleanSet:
    """Tell the layout of a clean set by the folder of its pictures.

    A folder below ``leftImg8bit`` is Cityscapes', one of the name of a COCO split (``val2017``) COCO's; any other is a
    plain folder, with names relative to it.

    >>> clean_set("data/cityscapes/leftImg8bit/val")
    CleanSet(layout='cityscapes', root='data/cityscapes', split='val')
    >>> clean_set("data/coco/val2017/")
    CleanSet(layout='coco', root='data/coco', split='val2017')
    >>> clean_set("data/photos")
    CleanSet(layout='folder', root='data/photos', split=None)
    """
    text = image_dir.replace(os.sep, "/").rstrip("/")
    parts = text.split("/")
    for at in range(len(parts) - 1, -1, -1):
        root = "/".join(parts[:at]) or ("/" if text.startswith("/") else ".")
        if parts[at] == CITYSCAPES_PICTURES:
            return CleanSet("cityscapes", root, parts[at + 1] if at + 1 < len(parts) else None)
        if COCO_SPLIT.fullmatch(parts[at]):
            return CleanSet("coco", root, parts[at])
    return CleanSet("folder", text or ".", None)


@dataclass(frozen=True)
class Listing:
    """The pictures of one split of a set.

    Attributes:
        layout: One of :data:`LAYOUTS`.
        split: Name of the split as its manifests use it, e.g. ``'val'``, ``'val2017'`` or ``'all'``.
        pictures: The pictures, sorted by place.
        problems: One sentence for each folder that could not be read; the pictures are then not all there are.
    """

    layout: str
    split: str
    pictures: tuple[Picture, ...]
    problems: tuple[str, ...] = ()

    def below(self, folder: Path) -> Path:
        """Where the pictures of the split are, in the folder of a cell."""
        return folder if self.layout == "folder" else folder / self.split


def is_leftover(name: str) -> bool:
    """Whether a file name is a temporary one, which a killed run may leave: of today's writer, or of version 0.1.

    >>> is_leftover(".ulm.png.12-ab.1-of-2.part"), is_leftover("ulm.png"), is_leftover(".DS_Store")
    (True, False, False)
    """
    return is_part(name) or (name.startswith(".") and name.endswith(".part"))


def cell_folder(target: str | os.PathLike[str], layout: str, corruption: str, severity: int) -> Path:
    """The folder that holds one corruption at one severity, all splits together."""
    root = Path(target)
    return (root / CITYSCAPES_PICTURES if layout == "cityscapes" else root) / corruption / str(severity)


def find_layout(source: Path, split: str | None) -> str:
    """Tell the layout of a set by its folders.

    Args:
        source: Root of the set.
        split: The split that is wanted, or ``None`` for the standard one.

    Raises:
        FileNotFoundError: ``source`` does not exist.
        MMFanError: It lies inside a Cityscapes or COCO tree, whose root should have been given: names, and with them
            the seeds, would come out different.
    """
    if not source.is_dir():
        raise FileNotFoundError(f"The folder {source} does not exist. Give the folder that holds the pictures.")
    if (source / CITYSCAPES_PICTURES).is_dir():
        return "cityscapes"
    if _coco_folder(source, split) is not None:
        return "coco"
    whole = clean_set(str(source.resolve()))
    if whole.layout != "folder":
        raise MMFanError(
            f"{source} is a part of a set: give its root, {whole.root}, so that the pictures get the same seeds as "
            "everywhere; or say --layout folder if this is a folder of its own."
        )
    return "folder"


def list_pictures(
    source: str | os.PathLike[str], layout: str = "auto", split: str | None = None, picture_format: str = "png"
) -> Listing:
    """List the pictures of a set.

    Args:
        source: Root of the set.
        layout: One of :data:`LAYOUTS`, or ``'auto'`` to tell it by the folders.
        split: Name of the split; ``None`` for ``'val'``. COCO's ``'val'`` is the folder ``val2017``. A plain folder has
            no splits.
        picture_format: One of :data:`FORMATS`, which gives the suffix of the corrupted pictures.

    Raises:
        FileNotFoundError: The root or the split does not exist, or holds no picture.
        MMFanError: The layout is unknown, a split of a plain folder was asked for, or two pictures would be written to
            one file.
    """
    root = Path(source)
    if layout == "auto":
        layout = find_layout(root, split)
    if layout not in LAYOUTS:
        raise MMFanError(f"Expected the layout to be auto or one of {', '.join(LAYOUTS)}, got {layout!r}.")
    if not root.is_dir():
        raise FileNotFoundError(f"The folder {root} does not exist. Give the folder that holds the pictures.")
    if layout == "folder":
        if split is not None:
            raise MMFanError(f"A plain folder has no splits, got the split {split!r}. Give the folder of that split.")
        split, folder, base = FOLDER_SPLIT, root, root
    elif layout == "cityscapes":
        split = DEFAULT_SPLIT if split is None else split
        folder, base = root / CITYSCAPES_PICTURES / split, root / CITYSCAPES_PICTURES
    else:
        found = _coco_folder(root, split)
        folder, base = (root / f"{split or DEFAULT_SPLIT}2017" if found is None else root / found), root
        split = folder.name
    if not folder.is_dir():
        there = sorted(entry.name for entry in folder.parent.iterdir() if entry.is_dir()) if base.is_dir() else []
        raise FileNotFoundError(
            f"There is no split {split!r}: {folder} does not exist; {folder.parent} holds {', '.join(there) or 'none'}."
        )
    problems: list[str] = []
    pictures = []
    for path in _files_in(folder, problems):
        name = picture_name(path, root if layout == "folder" else None)
        place = Path(os.path.relpath(path, base)).with_suffix(FORMATS[picture_format]).as_posix()
        pictures.append(Picture(path, name, place))
    if not pictures:
        unread = "".join(f" {problem}" for problem in problems)
        raise FileNotFoundError(f"{folder} holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))}).{unread}")
    return Listing(layout, split, _with_places(pictures), tuple(problems))


def _with_places(pictures: list[Picture]) -> tuple[Picture, ...]:
    """Sort the pictures by place, and check that no two have the same."""
    taken: dict[str, str] = {}
    for picture in pictures:
        other = taken.setdefault(picture.place, picture.path)
        if other != picture.path:
            raise MMFanError(
                f"{other} and {picture.path} would both be written to {picture.place}. Rename one of them, or move it "
                "to a folder of its own."
            )
    return tuple(sorted(pictures, key=lambda picture: picture.place))


def _coco_folder(root: Path, split: str | None) -> str | None:
    """The folder of a COCO split: as it is named, or the split's name with a year."""
    wanted = DEFAULT_SPLIT if split is None else split
    if COCO_SPLIT.fullmatch(wanted):
        return wanted if (root / wanted).is_dir() else None
    found = sorted(path.name for path in root.glob(f"{wanted}20[0-9][0-9]") if path.is_dir())
    return found[-1] if found else None


def _files_in(folder: Path, problems: list[str]) -> list[str]:
    """Paths of the pictures below ``folder``."""

    def unreadable(error: OSError) -> None:
        problems.append(f"Cannot read the folder {error.filename}: {error.strerror}.")

    return [
        os.path.join(where, name)
        for where, names in walk(folder, unreadable)
        for name in names
        if os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
    ]
