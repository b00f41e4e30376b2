"""Alterations: what a cell of an analysis does to a picture, where a robustness test would corrupt it.

An alteration takes the place of the corruption in the judge's loop, as its ``change``: it gets each picture directly
after it was loaded, and the cell, whose severity is a whole number: a percentage, or a number of cells.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mmfan.analysis.scoring.part_scores import MARKED
from mmfan.corruptions import picture_seed
from mmfan.corruptions.cell import Cell
from mmfan.datasets.transforms.band_noise import BandNoise
from mmfan.datasets.transforms.cell_grid import border_pixels, equal_grid, permute_cells, random_order
from mmfan.datasets.transforms.corrupt import name_of_sample
from mmfan.datasets.transforms.patch_drop import PatchDrop
from mmfan.datasets.transforms.pipelines import carry_meta_keys, innermost_datasets
from mmfan.errors import MMFanError

ORDER = "cell_order"  # where a shuffled picture says to its labels how


class Alteration(ABC):
    """Changes pictures as the cell at hand says.

    Attributes:
        needs_labels: Whether it works on label maps too, so that only segmentation can be judged.
        parts: Names of the unmarked and the marked pixels, if it marks any.
        settings: What records say of it.
    """

    needs_labels = False
    parts: tuple[str, str] | None = None

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.seed = 0
        self.root: str | None = None
        self.read_labels: Callable[[dict], dict] | None = None

    @abstractmethod
    def __call__(self, sample: dict[str, Any], cell: Cell) -> dict[str, Any]:
        """Change ``sample['img']`` as the cell says."""

    def install(self, dataset: Any, seed: int, root: str | None) -> None:
        """Fit the pipelines of a built dataset: labels can be read early, marks are handed on.

        Args:
            dataset: The judge's.
            seed: Base seed of the run.
            root: What names of pictures are relative to.

        Raises:
            MMFanError: Labels are needed and the pipeline loads none.
        """
        self.seed, self.root = seed, root
        for inner in innermost_datasets(dataset):
            steps = inner.pipeline.transforms
            places = [at for at, step in enumerate(steps) if _loads_labels(step)]
            if self.needs_labels and len(places) != 1:
                raise MMFanError(
                    f"{type(self).__name__} needs the labels of the pictures: expected one step LoadAnnotations in the "
                    f"test pipeline of {type(inner).__name__}, got {len(places)}."
                )
            if places:
                steps[places[0]] = self.label_step(steps[places[0]])
            carry_meta_keys(inner.pipeline, (MARKED,))

    def label_step(self, step: Callable[[dict], dict]) -> Callable[[dict], dict]:
        """What takes the place of the step that loads labels."""
        self.read_labels = step
        return step


class BandNoiseAlteration(Alteration):
    """Noise of one band; the severity is the middle of the band in percent of pi.

    Args:
        settings: Of :class:`mmfan.BandNoise`, but the frequency.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        BandNoise(0.5, **settings)  # refuses wrong settings now

    def __call__(self, sample: dict[str, Any], cell: Cell) -> dict[str, Any]:
        """Add the noise."""
        return BandNoise(cell.severity / 100, **self.settings, seed=self.seed, root=self.root).transform(sample)


class PatchDropAlteration(Alteration):
    """Cells of the picture hidden; the severity is the share that is dropped, in percent.

    Args:
        settings: Of :class:`mmfan.PatchDrop`, but the ratio.
    """

    parts = ("visible", "hidden")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.needs_labels = settings.get("mode", "random") in ("salient", "background")
        PatchDrop(0.5, **settings)  # refuses wrong settings now

    def __call__(self, sample: dict[str, Any], cell: Cell) -> dict[str, Any]:
        """Hide cells and mark their pixels."""
        given = dict(sample)
        if self.needs_labels and self.read_labels is not None:
            given["gt_seg_map"] = self.read_labels({**sample, "seg_fields": []}).get("gt_seg_map")
        done = PatchDrop(cell.severity / 100, **self.settings, seed=self.seed, root=self.root).transform(given)
        sample["img"], sample[MARKED] = done["img"], done["hidden"]
        return sample


class ShuffleAlteration(Alteration):
    """Cells of picture and labels in one random order; the severity is the number of cells.

    Args:
        grids: Number of cells -> rows and columns.
        margin: Pixels nearer than this to a border between cells are marked.
    """

    needs_labels = True
    parts = ("inside", "border")

    def __init__(self, grids: Mapping[int, tuple[int, int]], margin: int) -> None:
        super().__init__(grids={str(cells): list(grid) for cells, grid in grids.items()}, margin=margin)
        self.grids, self.margin = dict(grids), margin

    def __call__(self, sample: dict[str, Any], cell: Cell) -> dict[str, Any]:
        """Shuffle the picture and say how."""
        grid = equal_grid(sample["img"].shape[:2], self.grids[cell.severity])
        seed = picture_seed(self.seed, name_of_sample(sample, self.root), "shuffle", cell.severity)
        order = random_order(grid.size, seed)
        sample["img"] = np.ascontiguousarray(permute_cells(sample["img"], grid, order))
        sample[ORDER], sample[MARKED] = (grid, order), border_pixels(grid, self.margin)
        return sample

    def label_step(self, step: Callable[[dict], dict]) -> Callable[[dict], dict]:
        """Labels that follow their pixels."""
        return ShuffledLabels(step)


class ShuffledLabels:
    """The step that loads labels, followed by the order of the picture's cells.

    Args:
        step: The step itself.
    """

    def __init__(self, step: Callable[[dict], dict]) -> None:
        self.step = step

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load labels and, where the picture was shuffled, shuffle them likewise."""
        loaded = self.step(results)
        if ORDER not in loaded:
            return loaded
        if "gt_seg_map" not in loaded:
            raise MMFanError(
                "Shuffled pictures need label maps, whose pixels can travel with those of the picture; boxes and masks "
                "of objects cannot be cut up."
            )
        grid, order = loaded.pop(ORDER)
        loaded["gt_seg_map"] = permute_cells(loaded["gt_seg_map"], grid, order)
        return loaded


def _loads_labels(step: Any) -> bool:
    name = type(step).__name__
    return name.startswith("Load") and "Annotation" in name
