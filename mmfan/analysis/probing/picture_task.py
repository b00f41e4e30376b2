"""Probes of whole pictures: of any backbone's features, meant over the places, on folders of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis.probing.depths import Depth, joined, pooled
from mmfan.analysis.probing.linear import LinearProbe
from mmfan.analysis.probing.neighbours import Neighbours
from mmfan.analysis.probing.task import Samples, Scores
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.function import ClassificationData
from mmfan.evaluation.function.items import Preparation, Unit
from mmfan.evaluation.judging.pictures import spread
from mmfan.models.block_features import BlockReader
from mmfan.utils.progress import ProgressLine

Prepare = Callable[[NDArray[np.uint8]], Tensor]


def preprocessed(model: Any) -> Prepare:
    """From (H, W, 3) RGB uint8 to what a segmentor or detector computes with, (1, 3, H', W'): by its preprocessor."""

    def prepare(rgb: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(rgb[..., ::-1].transpose(2, 0, 1)))
        size = tuple(rgb.shape[:2])
        sample = BaseDataElement(metainfo={"img_shape": size, "ori_shape": size})
        found: Tensor = model.data_preprocessor({"inputs": [pixels], "data_samples": [sample]}, False)["inputs"]
        return found

    return prepare


class PictureTask:
    """Linear probes and nearest neighbours of whole pictures.

    Args:
        reader: Reads the blocks.
        prepare: From a picture, (H, W, 3) RGB uint8, to what the model gets, (1, 3, H', W').
        training: What probes are fitted to.
        test: What they are judged on; its classes have the names of the training set's, in its order.
        counts: How many pictures of either, spread evenly over the set, which is in the order of its classes.
        seed: Of corruptions.
        neighbours: How many vote.
        progress: Of a name for the part to what is told how far it is.
    """

    metric, readouts = "top1", ("linear", "knn")

    def __init__(
        self,
        reader: BlockReader,
        prepare: Prepare,
        training: ClassificationData,
        test: ClassificationData,
        counts: tuple[int, int],
        seed: int = 0,
        neighbours: int = 20,
        progress: Callable[[str], ProgressLine] | None = None,
    ) -> None:
        self.reader, self.prepare, self.seed, self.neighbours = reader, prepare, seed, neighbours
        self.training, self.test, self.counts, self.progress = training, test, counts, progress
        self.classes = training.classes

    def described(self) -> list[Any]:
        """What the scores depend on beside weights and options: the pictures and their classes."""
        parts: list[Any] = [self.metric]
        for data, count in zip((self.training, self.test), self.counts, strict=True):
            numbers = spread(len(data.names), count)
            parts.append([list(data.classes), data.form.to_dict() if data.form else None])
            parts.append([[data.names[number], *data.held(number)] for number in numbers])
        return parts

    def samples(self) -> Samples:
        """Features of the clean training pictures."""
        return self._read(self.training, self.counts[0], CLEAN, "features")

    def judge(self, cell: Cell, depths: Sequence[Depth], linear: Sequence[LinearProbe], samples: Samples) -> Scores:
        """The share of the test pictures under a cell whose class each depth says."""
        seen = self._read(self.test, self.counts[1], cell, str(cell))
        found: Scores = {"linear": [], "knn": []}
        for depth, probe in zip(depths, linear, strict=True):
            features = joined(seen.features, depth)
            near = Neighbours(joined(samples.features, depth), samples.labels, self.neighbours)
            for readout, labels in (("linear", probe.predict(features)), ("knn", near.predict(features))):
                found[readout].append(float(np.mean(labels == seen.labels)))
        return found

    def _read(self, data: ClassificationData, count: int, cell: Cell, part: str) -> Samples:
        rows, labels = [], []
        for picture, kind in self._pictures(data, spread(len(data.names), count), cell, part):
            rows.append([one.cpu() for one in pooled(self.reader.read(self.prepare(picture)))])
            labels.append(kind)
        return Samples([torch.cat(block) for block in zip(*rows, strict=True)], np.array(labels, np.int64))

    def _pictures(
        self, data: ClassificationData, numbers: Sequence[int], cell: Cell, part: str
    ) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """Pictures, RGB, corrupted with the bytes that a corrupted set has, and their classes."""
        preparation = Preparation(self.seed, None, None, data.form)
        progress = self.progress(part) if self.progress is not None else None
        for done, number in enumerate(numbers, 1):
            item = data.under(number, cell)
            yield preparation.make(Unit(0, number, cell, item)).picture, int(item.truth)
            if progress is not None:
                progress(done, len(numbers))
