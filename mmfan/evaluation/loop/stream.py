"""Stream of samples through all cells: (cell, picture) pairs, corrupted in the workers that load them.

A loader for each cell would empty and refill its workers' queues at every cell. Here the dataset stays what it is and
is wrapped once: a key is a pair (number of the cell, number of the picture), the batches of one cell follow those of
the one before, and the workers run on across the border, no further ahead than a loader ever does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import FUNCTIONS
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.cell_dataset import CellSource
from mmfan.datasets.corrupted.lookup import CorruptedSet
from mmfan.datasets.transforms.corrupt import corrupt_bgr, name_of_sample
from mmfan.datasets.transforms.loading import loading_of
from mmfan.datasets.transforms.pipelines import check_uncorrupted, innermost_datasets, place_of_loading
from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.judging.kept import Kept
from mmfan.evaluation.loop.decoded import Decoded, keep_labels
from mmfan.evaluation.loop.picture_names import path_of
from mmfan.utils.processes import end_with_parent


class SampleNote(NamedTuple):
    """What travels beside a sample.

    Attributes:
        cell: Number of the cell.
        picture: Number of the picture in the dataset.
        load: Seconds that reading and decoding the picture took.
        corrupt: Seconds that corrupting it took.
        other: Seconds of the other steps of the pipeline.
        image: The corrupted picture, BGR (H, W, 3), if it was asked for.
    """

    cell: int
    picture: int
    load: float
    corrupt: float
    other: float
    image: NDArray[np.uint8] | None = None


# What a cell does to a sample whose picture was just loaded (`img`: BGR, uint8; `img_path`: of the clean
# picture): gets both, returns the sample. It runs, pickled, in the loading processes, and never for the clean cell.
Change = Callable[[dict[str, Any], Cell], dict[str, Any]]


@dataclass(frozen=True)
class CorruptPicture:
    """Corrupts a loaded picture as the cell says, with the bytes that a corrupted set on disk has.

    Attributes:
        seed: Base seed.
        root: The folder that names of pictures are relative to; None finds it by the layout of the set.
    """

    seed: int = 0
    root: str | None = None

    def __call__(self, sample: dict[str, Any], cell: Cell) -> dict[str, Any]:
        """Corrupt ``sample['img']``."""
        seed = picture_seed(self.seed, name_of_sample(sample, self.root), *cell)
        sample["img"] = corrupt_bgr(sample["img"], *cell, seed)
        sample["corruption_seed"] = seed
        return sample


class LoadCorrupted(BaseTransform):
    """The loading step of a pipeline, followed by what the cell at hand does to the picture.

    It takes the place of the loading step, so that nothing comes between them, in a pipeline with test-time
    augmentation too.

    Args:
        load: The step it replaces.
        change: Changes the picture that was loaded.
        disk: Where the corrupted pictures are read from instead; ``change`` is then not used.
        decoded: Keeps the pictures that are decoded; None keeps nothing.
    """

    def __init__(
        self,
        load: Callable[[dict], dict | None],
        change: Change,
        disk: CorruptedSet | None = None,
        decoded: Decoded | None = None,
    ) -> None:
        self.load = loading_of(load)
        self.decoded = Decoded(None) if decoded is None else decoded
        self.change = change
        self.disk = disk
        self.cell = CLEAN
        self.keep = False
        self.kept: NDArray[np.uint8] | None = None
        self.seconds = [0.0, 0.0]

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load and change; the sample's ``img_path`` stays that of the clean picture.

        Raises:
            MMFanError: The picture is missing or cannot be changed.
        """
        start = time.perf_counter()
        from_disk = self.disk is not None and self.cell != CLEAN
        clean = results.get("img_path")
        if from_disk and self.disk is not None:
            results["img_path"] = self.disk.path(path_of(results), self.cell)
            loaded = self.load.corrupted(results, clean)
        elif self.cell == CLEAN and (self.disk is not None or not self.load.plain):
            loaded = self.load.clean(results)
        else:
            loaded = self.decoded.load(self.load, results)
            if loaded is not None and self.cell == CLEAN:
                loaded["img"] = self.load.form(loaded["img"])
        if loaded is None:
            raise MMFanError(
                f"The loading step gave nothing for {results.get('img_path')}; a test needs every picture."
            )
        between = time.perf_counter()
        loaded["corruption"], loaded["severity"] = self.cell
        if from_disk:
            loaded["img_path"] = clean
        elif self.cell != CLEAN:
            try:
                loaded = self.change(loaded, self.cell)
            except MMFanError as error:
                raise MMFanError(f"{self.cell} of the picture {clean} cannot be made: {error}") from error
            loaded["img"] = self.load.form(loaded["img"])
        self.seconds = [between - start, time.perf_counter() - between]
        self.kept = loaded["img"].astype(np.uint8) if self.keep else None
        return loaded


class CellDataset(Dataset):
    """A dataset of OpenMMLab, seen through the cells of a protocol.

    Args:
        dataset: Any dataset with a pipeline, or wrappers around such datasets.
        cells: What keys' first numbers stand for.
        change: What a cell does to a picture: :class:`CorruptPicture`, or another.
        disk: Where corrupted pictures are read from instead.
        kept: Numbers of pictures to pass on as they are before the rest of the pipeline.
        memory: Keeps pictures and label images that were decoded, for twice as many numbers as there are pictures; None
            keeps nothing.

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
    ) -> None:
        self.dataset = dataset
        self.cells = tuple(cells)
        self.kept = kept
        self.decoded = Decoded(memory)
        self.steps = [_replace_loading(inner, change, disk, self.decoded) for inner in innermost_datasets(dataset)]

    @property
    def metainfo(self) -> Any:
        """The dataset's own."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: tuple[int, int]) -> tuple[SampleNote, Any]:
        number, picture = key
        self.decoded.picture = picture
        for step in self.steps:
            step.cell = self.cells[number].pictures
            step.keep = picture in self.kept
            step.seconds, step.kept = [0.0, 0.0], None
        start = time.perf_counter()
        sample = self.dataset[picture]
        whole = time.perf_counter() - start
        load, corrupt = (sum(step.seconds[at] for step in self.steps) for at in (0, 1))
        image = next((step.kept for step in self.steps if step.kept is not None), None)
        return SampleNote(number, picture, load, corrupt, whole - load - corrupt, image), sample


def _replace_loading(dataset: Any, change: Change, disk: CorruptedSet | None, decoded: Decoded) -> LoadCorrupted:
    """Put :class:`LoadCorrupted` in the place of the loading step of a dataset's pipeline, and have labels kept."""
    kind = type(dataset).__name__
    cell = getattr(dataset, "cell", None)
    if isinstance(cell, CellSource) and not cell.is_clean:
        raise MMFanError(
            f"The dataset {kind} is one of corrupted pictures ({cell.corruption}). RobustnessLoop goes through the "
            "cells by itself: give it the dataset of the clean ones."
        )
    check_uncorrupted(dataset.pipeline, "RobustnessLoop corrupts by itself")
    steps, place = dataset.pipeline.transforms, place_of_loading(dataset.pipeline, f"the test pipeline of {kind}")
    steps[place] = LoadCorrupted(steps[place], change, disk, decoded)
    keep_labels(steps, decoded)
    return steps[place]


class CellBatches(Sampler):
    """Batches of (cell, picture) keys, cell after cell; no batch holds two cells.

    Args:
        pictures: Numbers of the pictures of this process.
        batch_size: Pictures in a batch; the last one of a cell may be smaller.
        cells: Numbers of the cells to go through; may be changed between two passes.

    Attributes:
        skipped: Numbers of cells that are no longer wanted; a pass that is under way takes no more of them.
    """

    def __init__(self, pictures: Sequence[int], batch_size: int, cells: Sequence[int]) -> None:
        self.pictures = list(pictures)
        self.batch_size = batch_size
        self.cells = list(cells)
        self.skipped: set[int] = set()

    @property
    def batches_of_cell(self) -> int:
        """Number of batches that a cell takes in this process."""
        return -(-len(self.pictures) // self.batch_size)

    def __len__(self) -> int:
        return len(self.cells) * self.batches_of_cell

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for cell in self.cells:
            for start in range(0, len(self.pictures), self.batch_size):
                if cell in self.skipped:
                    break
                yield [(cell, picture) for picture in self.pictures[start : start + self.batch_size]]


def collate_with_notes(
    batch: Sequence[tuple[SampleNote, Any]], inner: Callable[[list], Any], equal_sizes: bool = False
) -> list[tuple[list[SampleNote], Any]]:
    """Collate samples as ``inner`` does and leave their notes as they are.

    Args:
        batch: Samples with their notes.
        inner: Collates samples.
        equal_sizes: Part the batch where the size of the pictures changes, for models that need one size.

    Returns:
        The notes and the collated samples of each part, in the order of the batch.
    """
    parts = groupby(batch, lambda pair: sizes_of(pair[1]) if equal_sizes else None)
    pairs = [list(part) for _, part in parts]
    return [([note for note, _ in part], inner([sample for _, sample in part])) for part in pairs]


def sizes_of(sample: Any) -> list[tuple[int, ...]]:
    """Shapes of the picture in a packed sample, of all its forms with test-time augmentation."""
    inputs = sample["inputs"]
    return [tuple(one.shape) for one in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]


def build_sweep_loader(
    runner: Any,
    config: Mapping[str, Any],
    dataset: CellDataset,
    batches: CellBatches,
    equal_sizes: bool = False,
    pinned: bool = False,
) -> DataLoader:
    """The loader of a sweep: a config's loader with another dataset and another order.

    Args:
        runner: The Runner, which knows how to start loading processes.
        config: Config of the dataloader; its sampler and batch size are replaced by ``batches``.
        dataset: What keys are looked up in.
        batches: The keys.
        equal_sizes: See :func:`collate_with_notes`.
        pinned: Put pictures into memory that a GPU copies from by itself, unless the config says otherwise.

    Raises:
        MMFanError: The config cuts the set short.
    """
    if "num_batch_per_epoch" in config:
        raise MMFanError("num_batch_per_epoch would cut the set short; use `limit` of RobustnessLoop.")
    replaced = ("dataset", "sampler", "batch_sampler", "batch_size", "drop_last", "collate_fn", "shuffle")
    kept = {key: value for key, value in config.items() if key not in replaced}
    if not kept.get("num_workers"):
        kept.pop("prefetch_factor", None)  # torch refuses it without loading processes
    # One pass is one run, however many cells. Processes that stay would hold memory, and torch waits ten seconds for
    # them when they are at last left to the garbage collector.
    kept["persistent_workers"] = False
    if pinned:
        kept.setdefault("pin_memory", True)
    collate = dict(config.get("collate_fn", {"type": "pseudo_collate"}))
    kind = collate.pop("type")
    inner = partial(FUNCTIONS.get(kind) if isinstance(kind, str) else kind, **collate)
    loader = runner.build_dataloader(
        {
            **kept,
            "dataset": dataset,
            "sampler": None,
            "batch_sampler": batches,
            "collate_fn": {"type": collate_with_notes, "inner": inner, "equal_sizes": equal_sizes},
        },
        seed=runner.seed,
    )
    loader.worker_init_fn = partial(_start_worker, loader.worker_init_fn)
    return loader


def _start_worker(inner: Callable[[int], None] | None, number: int) -> None:
    end_with_parent()  # torch's own processes notice its end only between two batches
    if inner is not None:
        inner(number)


def corrupted_pictures(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The corruptions of the cells' pictures, each once."""
    return tuple(dict.fromkeys(cell.pictures for cell in cells if cell.pictures != CLEAN))


def needs_equal_sizes(model: nn.Module) -> bool:
    """Whether the model takes a batch of pictures of one size alone, as mmsegmentation's preprocessor does."""
    names = {kind.__name__ for module in model.modules() for kind in type(module).__mro__}
    return "SegDataPreProcessor" in names


def check_dataloader(dataloader: Any) -> None:
    """See that the config of a dataloader is one.

    Raises:
        ConfigError: It is none, or has no dataset.
    """
    if not isinstance(dataloader, Mapping) or "dataset" not in dataloader:
        raise ConfigError(f"RobustnessLoop needs the config of a dataloader with its dataset, got {dataloader!r:.80}.")
