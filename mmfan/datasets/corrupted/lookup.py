"""From the pictures of a clean set to those of one cell of its corrupted set.

A cell is one corruption at one severity. The labels stay those of the clean set; every picture that the clean set holds
must have its corrupted form, for a score over some of them, or over clean ones, is a wrong score.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from mmfan.corruptions import corruption_names, get_corruption, picture_name, picture_seed
from mmfan.datasets.corrupted.layout import CITYSCAPES_PICTURES, FORMATS, cell_folder
from mmfan.datasets.transforms.choices import CLEAN, check_seed
from mmfan.errors import MMFanError
from mmfan.utils.text import shortlist

SOURCES = ("disk", "fly")
MAKE_COMMAND = "python tools/make_corrupted_set.py"


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
        # ValueError throughout: the tools show these in one line, as mistakes in a config.
        if type(self.severity) is not int:
            raise MMFanError(f"Expected `severity` to be one whole number, got {self.severity!r}.")
        if type(self.corruption) is not str:
            raise MMFanError(f"Expected `corruption` to be the name of one corruption, got {self.corruption!r}.")
        check_seed(self.seed)
        self._check_cell()

    def _check_cell(self) -> None:
        if self.is_clean or self.severity == 0:
            if not self.is_clean or self.severity != 0:
                raise MMFanError(
                    "Severity 0 and corruption 'clean' go together, got "
                    f"corruption={self.corruption!r}, severity={self.severity}."
                )
            return
        # A set on disk may hold corruptions that nobody has registered here: its folders decide.
        if self.source == "fly" or self.corruption in corruption_names():
            has = get_corruption(self.corruption).severities
            if self.severity not in has:
                known = ", ".join(map(str, has))
                raise MMFanError(f"{self.corruption} has the severities {known}, got {self.severity}.")
        elif self.severity < 0 or not re.fullmatch(r"\w+", self.corruption):
            raise MMFanError(f"There is no corruption {self.corruption!r} at severity {self.severity}.")

    @property
    def is_clean(self) -> bool:
        """Whether the clean pictures are wanted."""
        return self.corruption == CLEAN


@dataclass(frozen=True)
class CleanSet:
    """Where a clean set lies and how its pictures are named.

    Attributes:
        layout: One of :data:`mmfan.datasets.corrupted.layout.LAYOUTS`.
        root: What ``tools/make_corrupted_set.py`` takes as SOURCE.
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
        return self.root if self.layout == "folder" else None


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
        if re.fullmatch(r"(train|val|test|unlabeled)20\d\d", parts[at]):
            return CleanSet("coco", root, parts[at])
    return CleanSet("folder", text or ".", None)


def corrupted_root(cell: CellSource, clean: CleanSet) -> str:
    """The root of the corrupted set: as it was given, or beside the clean one with ``_c`` at its end."""
    if cell.corrupted_root is not None:
        return cell.corrupted_root
    root = os.path.abspath(clean.root) if clean.root in (".", "/") else clean.root
    return f"{root}_c"


def folder_of_cell(root: str, clean: CleanSet, cell: CellSource) -> str:
    """The folder of one corruption at one severity, all splits together."""
    if "://" in root:  # a path object would eat one of the slashes
        middle = f"{CITYSCAPES_PICTURES}/" if clean.layout == "cityscapes" else ""
        return f"{root.rstrip('/')}/{middle}{cell.corruption}/{cell.severity}"
    return str(cell_folder(root, clean.layout, cell.corruption, cell.severity))


def how_to_make(root: str, clean: CleanSet, cell: CellSource) -> str:
    """What to tell a reader whose corrupted pictures are not there."""
    known = corruption_names()
    if cell.corruption not in known:
        return f"mmfan makes the corruptions {', '.join(known)}; `corruption` may be misspelt."
    command = f"{MAKE_COMMAND} {shlex.quote(clean.root)} {shlex.quote(root)}"
    command += f" --corruptions {cell.corruption} --severities {cell.severity}"
    if clean.split is not None:
        command += f" --split {clean.split}"
    if cell.seed:
        command += f" --seed {cell.seed}"
    return (
        f"Make them with `{command}`, say with `corrupted_root` where they are, or leave it to the pipeline with "
        "source='fly'."
    )


def match_files(
    names: Sequence[str], there: Iterable[str], preferred: str | None = None
) -> tuple[dict[str, str], list[str]]:
    """Find the corrupted form of each picture, whose suffix may be another.

    Args:
        names: Names of clean pictures, relative to the folder of the cell, with suffix.
        there: Files of that folder, relative to it, with ``/``.
        preferred: Suffix to take where there are several; else ``.png`` goes first.

    Returns:
        The file for each name that has one, and the names that have none.

    >>> match_files(["val2017/1.jpg", "val2017/2.jpg"], ["val2017/1.png", "val2017/1.jpg"])
    ({'val2017/1.jpg': 'val2017/1.png'}, ['val2017/2.jpg'])
    """
    suffixes = list(dict.fromkeys([*([preferred] if preferred else []), *FORMATS.values(), ".jpeg"]))
    by_stem: dict[str, dict[str, str]] = {}
    for path in there:
        stem, suffix = os.path.splitext(path)
        by_stem.setdefault(stem, {})[suffix.lower()] = path
    found: dict[str, str] = {}
    absent: list[str] = []
    for name in names:
        stem, own = os.path.splitext(name)
        forms = by_stem.get(stem, {})
        file = next((forms[suffix] for suffix in (*suffixes, own.lower()) if suffix in forms), None)
        if file is None:
            absent.append(name)
        else:
            found[name] = file
    return found, absent


def seed_of_set(root: str, cell: CellSource, recorded: int | None) -> int | None:
    """The base seed that the pictures of a set were made with; ``None`` if it is not known.

    Args:
        root: Root of the corrupted set, for the message.
        cell: What is wanted.
        recorded: What the set's own record says; ``None`` if it has none.

    Raises:
        MMFanError: A seed is wanted, and the set was made with another.
    """
    if cell.seed is not None and recorded is not None and cell.seed != recorded:
        raise MMFanError(
            f"The corrupted set {root} was made with the seed {recorded} (corrupted_set.json), but `seed` is "
            f"{cell.seed}. Leave `seed` out, or make another set with `{MAKE_COMMAND} ... --seed {cell.seed}`."
        )
    return recorded if cell.seed is None else cell.seed


def on_disk(
    paths: Sequence[str],
    cell: CellSource,
    clean: CleanSet,
    there: Iterable[str] | None,
    *,
    preferred: str | None = None,
    cells: Mapping[str, Sequence[str]] | Sequence[str] = (),
) -> list[str]:
    """The corrupted picture of each clean one.

    Args:
        paths: Clean pictures.
        cell: What is wanted.
        clean: The set they are of.
        there: Files of the folder of the cell, relative to it; ``None`` if there is no such folder.
        preferred: Suffix to take where there are several.
        cells: Names of corruptions that the set holds, for the message.

    Raises:
        FileNotFoundError: The folder, or some pictures in it, are missing; the message says how to make them.
    """
    root = corrupted_root(cell, clean)
    folder = folder_of_cell(root, clean, cell)
    shown = folder if "://" in folder else os.path.abspath(folder)
    if there is None:
        holds = f" The set holds {', '.join(cells)}." if cells else ""
        raise FileNotFoundError(
            f"There is no {cell.corruption} at severity {cell.severity}: the folder {shown} does not exist.{holds} "
            f"{how_to_make(root, clean, cell)}"
        )
    names = [clean.name(path) for path in paths]
    found, absent = match_files(names, there, preferred)
    if absent:
        raise FileNotFoundError(
            f"{len(absent)} of {len(names)} pictures have no corrupted form in {shown}: {shortlist(absent)}. "
            f"{how_to_make(root, clean, cell)}"
        )
    return [os.path.join(folder, *PurePosixPath(found[name]).parts) for name in names]


def seed_of_picture(base_seed: int | None, name: str, cell: CellSource) -> int | None:
    """The seed of one corrupted picture; ``None`` for a clean one, or where the base seed is not known."""
    if cell.is_clean or base_seed is None:
        return None
    return picture_seed(base_seed, name, cell.corruption, cell.severity)
