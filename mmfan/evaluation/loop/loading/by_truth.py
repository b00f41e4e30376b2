"""Changes of pictures that read the truth, in the loading processes: own label map, other pictures with theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.cell import Cell
from mmfan.datasets.transforms.loading import Loading
from mmfan.datasets.transforms.pipelines import innermost_datasets, walk
from mmfan.errors import MMFanError
from mmfan.evaluation.conditions.change import (
    Labelled,
    Others,
    apply_change,
    change_of,
    refuse_without_labels,
)
from mmfan.evaluation.loop.loading.decoded import Decoded, loads_labels

Picture = NDArray[np.uint8]


class TruthChanges:
    """What cells do to pictures by their truth.

    Label maps are read by the step of the pipeline that loads them, so that they are those that scores are of.

    Args:
        dataset: Any dataset with a pipeline, or wrappers around such datasets.
        cells: All that are wanted.
        chosen: Numbers of the pictures judged, among which others are looked for.
        names: Of these pictures.
        seed: Base seed.

    Raises:
        NoLabelMapError: A cell needs label maps, and a pipeline loads none.
    """

    def __init__(
        self, dataset: Any, cells: Sequence[Cell], chosen: Sequence[int], names: Sequence[str], seed: int
    ) -> None:
        steps = [_label_step(inner) for inner in innermost_datasets(dataset)]
        refuse_without_labels(cells, None not in steps, f"{type(dataset).__name__}, whose pipeline loads no label map")
        ignored = getattr(dataset, "ignore_index", None)
        self.changes = {at: change for at, cell in enumerate(cells) if (change := change_of(cell, ignored)) is not None}
        self.dataset = dataset
        self.cells, self.chosen, self.names, self.seed = tuple(cells), list(chosen), list(names), seed
        self._others = Others(names)
        self._places = {number: place for place, number in enumerate(chosen)}

    def change(
        self, cell: int, picture: int, results: dict[str, Any], load: Loading, decoded: Decoded
    ) -> tuple[Picture, Picture | None]:
        """Change a picture that was loaded as 8-bit colours.

        Args:
            cell: Number of the cell, one of :attr:`changes`.
            picture: Number of the picture in the dataset.
            results: Its sample, with ``img``, BGR; it is not changed.
            load: Loads others.
            decoded: Keeps what is decoded.

        Returns:
            The picture, BGR (H, W, 3), and the map of swapped textures, where there are some.

        Raises:
            MMFanError: It cannot be changed, the message names picture and cell.
        """
        change, place = self.changes[cell], self._places[picture]
        seed = change.seed_of(self.seed, self.names[place])

        def others() -> Iterator[Labelled]:
            for at in self._others.of(place, seed, change.others):
                decoded.picture = number = self.chosen[at]
                loaded = decoded.load(load, self.dataset.get_data_info(number))
                if loaded is None:
                    raise MMFanError(f"The loading step gave nothing for {self.names[at]}.")
                yield self._labelled(loaded)

        try:
            found = apply_change(change, self._labelled(results), seed, others())
        except MMFanError as error:
            raise MMFanError(
                f"{self.cells[cell]} of the picture {self.names[place]} cannot be made: {error}"
            ) from error
        finally:
            decoded.picture = picture
        return _turned(found.picture), found.textures

    @cached_property
    def _labels(self) -> Any:
        """The step that loads label maps; looked for at work, when what keeps them has taken its place."""
        return _label_step(innermost_datasets(self.dataset)[0])

    def _labelled(self, results: dict[str, Any]) -> Labelled:
        sample = self._labels({**results, "seg_fields": []})
        return Labelled(_turned(results["img"]), np.asarray(sample["gt_seg_map"], np.uint8))


def _label_step(dataset: Any) -> Any:
    """The first step of a pipeline that loads a label map, with what keeps it; None where there is none."""
    return next((step for step in walk(dataset.pipeline) if loads_labels(step)), None)


def _turned(image: Picture) -> Picture:
    """BGR of RGB, and the other way round."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
