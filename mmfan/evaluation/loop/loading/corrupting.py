"""Loading step of a pipeline, followed by what a cell does to the picture: corrupt it, or read it corrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.datasets.cell_dataset import CellSource
from mmfan.datasets.corrupted.lookup import CorruptedSet
from mmfan.datasets.transforms.corrupt import corrupt_bgr, name_of_sample
from mmfan.datasets.transforms.loading import Loading, loading_of
from mmfan.datasets.transforms.pipelines import check_uncorrupted, place_of_loading
from mmfan.errors import MMFanError
from mmfan.evaluation.loop.loading.decoded import Decoded, keep_labels
from mmfan.evaluation.loop.loading.picture_names import path_of

# What a cell does to a sample whose picture was just loaded (`img`: BGR, uint8; `img_path`: of the clean
# picture): gets both, returns the sample. It runs, pickled, in the loading processes, and never for the clean cell.
Change = Callable[[dict[str, Any], Cell], dict[str, Any]]
# The same by the truth: gets the sample, and what loads and keeps others; returns the picture, BGR, and the map of
# swapped textures, if there is one.
ByTruth = Callable[[dict[str, Any], Loading, Decoded], tuple[NDArray[np.uint8], NDArray[np.uint8] | None]]


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
        self.by_truth: ByTruth | None = None
        self.textures: NDArray[np.uint8] | None = None
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
        elif self.cell == CLEAN and self.by_truth is None and (self.disk is not None or not self.load.plain):
            loaded = self.load.clean(results)
        else:
            loaded = self.decoded.load(self.load, results)
            if loaded is not None and self.cell == CLEAN and self.by_truth is None:
                loaded["img"] = self.load.form(loaded["img"])
        if loaded is None:
            raise MMFanError(
                f"The loading step gave nothing for {results.get('img_path')}; a test needs every picture."
            )
        between = time.perf_counter()
        loaded["corruption"], loaded["severity"] = self.cell
        if from_disk:
            loaded["img_path"] = clean
        elif self.by_truth is not None:
            image, self.textures = self.by_truth(loaded, self.load, self.decoded)
            loaded["img"] = self.load.form(image)
        elif self.cell != CLEAN:
            try:
                loaded = self.change(loaded, self.cell)
            except MMFanError as error:
                raise MMFanError(f"{self.cell} of the picture {clean} cannot be made: {error}") from error
            loaded["img"] = self.load.form(loaded["img"])
        self.seconds = [between - start, time.perf_counter() - between]
        self.kept = loaded["img"].astype(np.uint8) if self.keep else None
        return loaded


def replace_loading(dataset: Any, change: Change, disk: CorruptedSet | None, decoded: Decoded) -> LoadCorrupted:
    """Put :class:`LoadCorrupted` in the place of the loading step of a dataset's pipeline, and have labels kept.

    Raises:
        MMFanError: The dataset, or a step of its pipeline, corrupts already; or there is no one loading step.
    """
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
