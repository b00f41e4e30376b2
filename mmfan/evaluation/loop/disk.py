"""Reading corrupted pictures from a set on disk, instead of corrupting them on the fly."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from mmfan.corruptions import ENGINE_VERSION, picture_name
from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.layout import FORMATS, LAYOUTS, cell_folder
from mmfan.datasets.corrupted.record import read_record
from mmfan.errors import MMFanError
from mmfan.utils.text import shortlist


class DiskSource:
    """Where the corrupted forms of clean pictures are, in a set as ``tools/make_corrupted_set.py`` lays it out.

    Args:
        root: The folder of the set.
        picture_root: The folder that names of clean pictures are relative to, for layouts that
            :func:`mmfan.corruptions.picture_name` does not know.
        seed: The base seed that the set must have been made with.

    Raises:
        FileNotFoundError: The folder does not exist.
        MMFanError: The set says of itself that it was made with another seed, or by other corruptions.
    """

    def __init__(
        self, root: str | os.PathLike[str], picture_root: str | os.PathLike[str] | None = None, seed: int = 0
    ) -> None:
        self.root = Path(root)
        self.picture_root = picture_root
        if not self.root.is_dir():
            raise FileNotFoundError(f"The corrupted set {self.root} does not exist. {self._how_to_make(seed)}")
        record = read_record(self.root)
        if record is not None and (record.seed, record.engine_version) != (seed, ENGINE_VERSION):
            raise MMFanError(
                f"The corrupted set {self.root} was made with seed {record.seed} by version {record.engine_version} of "
                f"the corruptions; expected seed {seed} and version {ENGINE_VERSION}. Say that seed, or make another "
                "set."
            )
        self.seed = seed
        self.format = None if record is None else record.format
        # pictures that are not, to the last bit, those made on the fly
        self.lossy = f"jpeg {record.quality}" if record is not None and record.format == "jpeg" else None
        self.layout = "" if record is None else record.layout

    def path(self, clean: str, cell: Cell) -> str:
        """Path of the corrupted form of a clean picture.

        Raises:
            FileNotFoundError: It is not there.
        """
        tried = self._candidates(clean, cell)
        for path in tried:
            if path.is_file():
                return str(path)
        raise FileNotFoundError(f"The corrupted picture {tried[0]} does not exist. {self._how_to_make(self.seed)}")

    def check(self, clean: Sequence[str], cells: Iterable[Cell]) -> None:
        """See that all corrupted pictures are there.

        Raises:
            FileNotFoundError: Some are not; the message names the cells and the first of them.
        """
        missing: dict[str, list[str]] = {}
        for cell in cells:
            for path in clean:
                candidates = self._candidates(path, cell)
                if not any(candidate.is_file() for candidate in candidates):
                    missing.setdefault(str(cell), []).append(str(candidates[0]))
        if missing:
            first = next(iter(missing.values()))
            raise FileNotFoundError(
                f"The corrupted set {self.root} lacks {sum(map(len, missing.values()))} pictures of "
                f"{shortlist(list(missing), 5)}: {shortlist(first, 2)}. {self._how_to_make(self.seed)}"
            )

    def _candidates(self, clean: str, cell: Cell) -> list[Path]:
        name = PurePosixPath(picture_name(clean, self.picture_root))
        layouts = [self.layout] if self.layout in LAYOUTS else ["cityscapes", "folder"]
        suffixes = [FORMATS[self.format]] if self.format in FORMATS else [*FORMATS.values(), name.suffix]
        names = dict.fromkeys(name.with_suffix(suffix) for suffix in suffixes)
        return [cell_folder(self.root, layout, *cell) / form for layout in layouts for form in names]

    def _how_to_make(self, seed: int) -> str:
        return f"Make it with `python tools/make_corrupted_set.py CLEAN_SET {self.root} --seed {seed}`."
