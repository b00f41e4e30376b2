"""Look-up of the corrupted forms of clean pictures on disk: where each is, and whether it is there.

The labels stay those of the clean set. Every picture that is asked for must have its corrupted form, for a score over
some of them, or over clean ones, is a wrong score.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mmfan.corruptions import ENGINE_VERSION, corruption_names, picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.clean_hashes import compare_clean, recorded_hashes, replaced_error
from mmfan.datasets.corrupted.layout import CITYSCAPES_PICTURES, FORMATS, CleanSet, cell_folder, clean_set
from mmfan.datasets.corrupted.record import read_record
from mmfan.errors import MMFanError
from mmfan.utils.commands import command_name
from mmfan.utils.text import shortlist


def clean_set_of(paths: Sequence[str], name_root: str | None) -> CleanSet:
    """The clean set that some pictures are of.

    Args:
        paths: Its pictures, or some of them.
        name_root: The folder that their names are relative to; ``None`` if the layout says it, as
            :func:`mmfan.corruptions.picture_name` has it.
    """
    if name_root is not None:
        return CleanSet("folder", name_root, None)
    told = clean_set(os.path.dirname(paths[0])) if paths else None
    return CleanSet("folder", "", None) if told is None or told.layout == "folder" else told


def local_files(folder: str) -> list[str] | None:
    """Files of a folder and those below it, relative, with ``/``; ``None`` if there is no such folder."""
    if not os.path.isdir(folder):
        return None
    walk = os.walk(folder, followlinks=True)
    return [Path(where, name).relative_to(folder).as_posix() for where, _, names in walk for name in names]


class CorruptedSet:
    """A corrupted set, seen from the pictures of its clean set.

    Args:
        root: Its folder, or the address of one (``s3://...``), of which no record is read.
        clean: The clean set.
        seed: The base seed that it must have been made with; ``None`` for that which it says itself.
        files: Lists the files below a folder, relative, with ``/``; gives ``None`` if there is no such folder.

    Attributes:
        seed: The base seed of its pictures; ``None`` if it is not known.

    Raises:
        MMFanError: The set says of itself that it was made with another seed.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        clean: CleanSet,
        seed: int | None = None,
        files: Callable[[str], Iterable[str] | None] = local_files,
    ) -> None:
        self.root, self.clean, self.files = os.fspath(root), clean, files
        self.record = None if "://" in self.root else read_record(self.root)
        self.seed = seed if self.record is None else self.record.seed
        if seed is not None and seed != self.seed:
            raise MMFanError(
                f"The corrupted set {self.root} was made with the seed {self.seed} (corrupted_set.json), but `seed` is "
                f"{seed}. Give the seed of the set, or make another one with `{command_name('corrupt')} ... --seed "
                f"{seed}`."
            )

    @property
    def other_engine(self) -> str | None:
        """A sentence that says so where other corruptions made the set than this mmfan's."""
        if self.record is None or self.record.engine_version == ENGINE_VERSION:
            return None
        return (
            f"The corrupted set {self.root} was made by version {self.record.engine_version} of the corruptions, this "
            f"is {ENGINE_VERSION}: pictures made on the fly may differ from it."
        )

    @property
    def lossy(self) -> str | None:
        """How its pictures differ from those made on the fly: ``'jpeg 95'``; ``None`` where they do not."""
        is_jpeg = self.record is not None and self.record.format == "jpeg"
        return f"jpeg {self.record.quality}" if self.record is not None and is_jpeg else None

    def seed_of(self, path: str, cell: Cell) -> int | None:
        """The seed of the corrupted form of a clean picture; ``None`` where the set's own is not known."""
        return None if self.seed is None else picture_seed(self.seed, self.clean.name(path), *cell)

    def path(self, clean: str, cell: Cell) -> str:
        """Path of the corrupted form of one clean picture, in a set on this machine.

        Raises:
            FileNotFoundError: It is not there.
        """
        name = self.clean.name(clean)
        for folder in self._folders(cell):
            for form in self._forms(name):
                path = os.path.join(folder, form)
                if os.path.isfile(path):
                    return path
        raise self._missing({cell: [name]})

    def find(self, paths: Sequence[str], cell: Cell) -> list[str]:
        """Paths of the corrupted forms of clean pictures, in their order.

        Raises:
            FileNotFoundError: Some are not there; the message says which, and how to make them.
        """
        found, absent = self._match(paths, cell)
        if absent:
            raise self._missing({cell: absent})
        return found

    def check(self, paths: Sequence[str], cells: Iterable[Cell]) -> None:
        """See that the corrupted forms of clean pictures are there for several cells.

        Raises:
            FileNotFoundError: Some are not; the message says which, and how to make them.
        """
        absent = {cell: self._match(paths, cell)[1] for cell in cells}
        if any(absent.values()):
            raise self._missing({cell: names for cell, names in absent.items() if names})

    def check_clean(self, paths: Sequence[str]) -> str | None:
        """See that clean pictures are those that the set was made from; reads them.

        Returns:
            A remark where the set does not say so of all of them.

        Raises:
            MixedSetError: Some were replaced; they are named.
        """
        recorded = {} if "://" in self.root else recorded_hashes(self.root)
        found = compare_clean(recorded, {self.clean.name(path): path for path in paths})
        if found.replaced:
            raise replaced_error(self.root, found.replaced)
        if not found.unknown:
            return None
        return (
            f"The corrupted set {self.root} does not say which clean pictures it was made from (sets of version 0.1 do "
            f"not): whether {found.unknown} of {len(paths)} have been replaced since cannot be told."
        )

    def _match(self, paths: Sequence[str], cell: Cell) -> tuple[list[str], list[str]]:
        """The files of those pictures that have one, and the names of the others."""
        folders = self._folders(cell)
        listed = ((folder, self.files(folder)) for folder in folders)
        folder, there = next(
            ((folder, set(files)) for folder, files in listed if files is not None), (folders[0], set())
        )
        found, absent = [], []
        for name in map(self.clean.name, paths):
            form = next((form for form in self._forms(name) if form in there), None)
            if form is None:
                absent.append(name)
            else:
                found.append(os.path.join(folder, *PurePosixPath(form).parts))
        return found, absent

    def _folders(self, cell: Cell) -> list[str]:
        """Where a cell may be: as the record says, else as the clean set lies, else as others lie."""
        own = self.clean.layout if self.record is None else self.record.layout
        layouts = [own] if self.record is not None else [own, "folder" if own == "cityscapes" else "cityscapes"]
        if "://" not in self.root:
            return [str(cell_folder(self.root, layout, *cell)) for layout in layouts]
        root = self.root.rstrip("/")  # a path object would eat one of the slashes
        middles = (f"/{CITYSCAPES_PICTURES}" if layout == "cityscapes" else "" for layout in layouts)
        return [f"{root}{middle}/{cell.corruption}/{cell.severity}" for middle in middles]

    def _forms(self, name: str) -> list[str]:
        """What the corrupted form of a picture may be called; the suffix is that of the record, or may be any."""
        stem, own = os.path.splitext(name)
        recorded = FORMATS.get(self.record.format) if self.record is not None else None
        suffixes = [recorded] if recorded else [*FORMATS.values(), ".jpeg", own]
        return [stem + form for suffix in suffixes for form in dict.fromkeys((suffix, suffix.upper()))]

    def _missing(self, absent: Mapping[Cell, Sequence[str]]) -> FileNotFoundError:
        """The error that names what is missing, what is there instead, and how to make it."""
        remote = "://" in self.root
        shown = self.root if remote else os.path.abspath(self.root)
        cell, names = next(iter(absent.items()))
        if remote or os.path.isdir(self.root):
            first = [f"{self._folders(cell)[0]}/{self._forms(name)[0]}" for name in names]
            text = f"lacks {sum(map(len, absent.values()))} pictures of {shortlist(list(map(str, absent)), 5)}: "
            text += f"{shortlist(first, 2)}."
            folder = Path(self._folders(cell)[0])
            if not remote and not folder.is_dir() and folder.parents[1].is_dir():
                holds = sorted(path.name for path in folder.parents[1].iterdir() if path.is_dir())
                text += f" It holds {shortlist([name for name in holds if name != 'manifests'], 19) or 'nothing'}."
        else:
            text = "does not exist."
        return FileNotFoundError(f"The corrupted set {shown} {text} {self._how_to_make(list(absent))}")

    def _how_to_make(self, cells: Sequence[Cell]) -> str:
        known = corruption_names()
        unknown = [cell.corruption for cell in cells if cell.corruption not in known]
        if unknown:
            return f"mmfan makes the corruptions {', '.join(known)}; {unknown[0]!r} may be misspelt."
        source = shlex.quote(self.clean.root) if self.clean.root else "CLEAN_SET"
        names, severities = (list(dict.fromkeys(map(str, each))) for each in zip(*cells, strict=True))
        command = f"{command_name('corrupt')} {source} {shlex.quote(self.root)} --corruptions {' '.join(names)}"
        command += f" --severities {' '.join(severities)}"
        command += "" if self.clean.split is None else f" --split {self.clean.split}"
        command += f" --seed {self.seed}" if self.seed else ""
        return (
            f"Make them with `{command}`, say with `corrupted_root` where they are, or have them made on the fly with "
            "source='fly'."
        )
