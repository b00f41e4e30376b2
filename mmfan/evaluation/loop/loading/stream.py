"""Stream of samples through all cells: (cell, picture) pairs, corrupted in the workers that load them.

A loader for each cell would empty and refill its workers' queues at every cell. Here the dataset stays what it is and
is wrapped once: a key is a pair (number of the cell, number of the picture), the batches of one cell follow those of
the one before, and the workers run on across the border, no further ahead than a loader ever does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from mmfan.corruptions.cell import Cell
from mmfan.datasets.corrupted.lookup import CorruptedSet
from mmfan.datasets.transforms.pipelines import innermost_datasets
from mmfan.evaluation.judging.kept import Kept
from mmfan.evaluation.loop.loading.by_truth import TruthChanges
from mmfan.evaluation.loop.loading.corrupting import Change, replace_loading
from mmfan.evaluation.loop.loading.decoded import Decoded


class SampleNote(NamedTuple):
    """What travels beside a sample.

    Attributes:
        cell: Number of the cell.
        picture: Number of the picture in the dataset.
        load: Seconds that reading and decoding the picture took.
        corrupt: Seconds that corrupting it took.
        other: Seconds of the other steps of the pipeline.
        image: The corrupted picture, BGR (H, W, 3), if it was asked for.
        textures: (H, W) uint8: the class whose texture a pixel was given, 255 where it has its own; None where none
            were swapped.
    """

    cell: int
    picture: int
    load: float
    corrupt: float
    other: float
    image: NDArray[np.uint8] | None = None
    textures: NDArray[np.uint8] | None = None


class CellDataset(Dataset):
    """A dataset of OpenMMLab, seen through the cells of a protocol.

    Args:
        dataset: Any dataset with a pipeline, or wrappers around such datasets.
        cells: What keys' first numbers stand for.
        change: What a cell does to a picture: :class:`~mmfan.evaluation.loop.loading.corrupting.CorruptPicture`, or
            another.
        disk: Where corrupted pictures are read from instead.
        kept: Numbers of pictures to pass on as they are before the rest of the pipeline.
        memory: Keeps pictures and label images that were decoded, for twice as many numbers as there are pictures; None
            keeps nothing.
        truths: What cells do to pictures by their truth; None for nothing.

    Raises:
        MMFanError: A pipeline has no step that loads pictures, or corrupts them already.
    """

    def __init__(
        self,
        dataset: Any,
        cells: Sequence[Cell],
        change: Change,
        disk: CorruptedSet | None = None,
        kept: frozenset[int] = frozenset(),
        memory: Kept | None = None,
        truths: TruthChanges | None = None,
    ) -> None:
        self.dataset = dataset
        self.cells = tuple(cells)
        self.truths = truths
        self.kept = kept
        self.decoded = Decoded(memory)
        self.steps = [replace_loading(inner, change, disk, self.decoded) for inner in innermost_datasets(dataset)]

    @property
    def metainfo(self) -> Any:
        """The dataset's own."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: tuple[int, int]) -> tuple[SampleNote, Any]:
        number, picture = key
        self.decoded.picture = picture
        changed = self.truths is not None and number in self.truths.changes
        by_truth = partial(self.truths.change, number, picture) if self.truths is not None and changed else None
        for step in self.steps:
            step.by_truth, step.textures = by_truth, None
            step.cell = self.cells[number].pictures
            step.keep = picture in self.kept
            step.seconds, step.kept = [0.0, 0.0], None
        start = time.perf_counter()
        sample = self.dataset[picture]
        whole = time.perf_counter() - start
        load, corrupt = (sum(step.seconds[at] for step in self.steps) for at in (0, 1))
        image = next((step.kept for step in self.steps if step.kept is not None), None)
        textures = next((step.textures for step in self.steps if step.textures is not None), None)
        return SampleNote(number, picture, load, corrupt, whole - load - corrupt, image, textures), sample


class CellBatches(Sampler):
    """Batches of (cell, picture) keys, cell after cell; no batch holds two cells.

    Args:
        pictures: Numbers of the pictures of this process.
        batch_size: Pictures in a batch; the last one of a cell may be smaller.
        cells: Numbers of the cells to go through; may be changed between two passes.
        others: Number of a cell -> numbers of its pictures of this process, where it is of other ones.

    Attributes:
        skipped: Numbers of cells that are no longer wanted; a pass that is under way takes no more of them.
    """

    def __init__(
        self,
        pictures: Sequence[int],
        batch_size: int,
        cells: Sequence[int],
        others: Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        self.pictures = list(pictures)
        self.batch_size = batch_size
        self.cells = list(cells)
        self.others = dict(others or {})
        self.skipped: set[int] = set()

    def batches_of(self, cell: int) -> int:
        """Number of batches that a cell takes in this process."""
        return -(-len(self.others.get(cell, self.pictures)) // self.batch_size)

    def __len__(self) -> int:
        return sum(map(self.batches_of, self.cells))

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for cell in self.cells:
            pictures = self.others.get(cell, self.pictures)
            for start in range(0, len(pictures), self.batch_size):
                if cell in self.skipped:
                    break
                yield [(cell, picture) for picture in pictures[start : start + self.batch_size]]
