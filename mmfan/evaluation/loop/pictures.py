"""Pictures that a run judges: which of a dataset's, their names, and the corrupted set that they are read from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.corrupted.lookup import CorruptedSet, clean_set_of
from mmfan.errors import MMFanError
from mmfan.evaluation.judging.pictures import spread
from mmfan.evaluation.loop.loading.picture_names import name_pictures


class RunPictures:
    """The pictures of a run.

    Args:
        dataset: The clean dataset, built.
        root: The folder that names of pictures are relative to; None finds it by the layout of the set.
        limit: How many, spread evenly over the set; None for all.

    Attributes:
        numbers: Theirs in the dataset, ascending.
        names: Their names, in the same order, which the seeds of corruptions are derived from.
        paths: Their files, in the same order.
        name_of_path: The name of every picture of the dataset.

    Raises:
        MMFanError: The dataset does not tell the paths, or two of its pictures have one name.
    """

    def __init__(self, dataset: Any, root: str | None, limit: int | None) -> None:
        paths, names = name_pictures(dataset, root)
        self.root = root
        self.numbers = spread(len(names), limit)
        self.names = [names[number] for number in self.numbers]
        self.paths = [paths[number] for number in self.numbers]
        self.name_of_path = dict(zip(paths, names, strict=True))

    def __len__(self) -> int:
        return len(self.numbers)

    def spread(self, count: int) -> dict[int, str]:
        """So many of them, spread evenly: number in the dataset -> name."""
        chosen = spread(len(self), count) if count else []
        return {self.numbers[at]: self.names[at] for at in chosen}

    def corrupted_set(self, folder: str | Path, seed: int, cells: Sequence[Cell]) -> CorruptedSet:
        """The set on disk that holds their corrupted forms.

        Args:
            folder: Its root.
            seed: Base seed that it must have been made with.
            cells: What is read from it.

        Raises:
            MMFanError: It was made otherwise.
            FileNotFoundError: Corrupted pictures are missing.
        """
        found = CorruptedSet(folder, clean_set_of(self.paths, self.root), seed)
        if found.other_engine:
            raise MMFanError(f"{found.other_engine} Judge on the fly, or make another set.")
        found.check(self.paths, corrupted_pictures(cells))
        return found


def corrupted_pictures(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The corruptions of the cells' pictures, each once."""
    return tuple(dict.fromkeys(cell.pictures for cell in cells if cell.pictures != CLEAN))
