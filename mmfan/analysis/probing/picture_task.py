"""Probes of whole pictures: of any backbone's features, meant over the places; on a classifier's sets or on folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from numpy.typing import NDArray
from torch import Tensor

from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.probing.depths import Depth, joined, pooled
from mmfan.analysis.probing.linear import LinearProbe
from mmfan.analysis.probing.neighbours import Neighbours
from mmfan.analysis.probing.task import Samples, Scores
from mmfan.apis.config import innermost_dataset
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.function import ClassificationData
from mmfan.evaluation.function.sources.items import Preparation, Unit
from mmfan.evaluation.judging.pictures import spread
from mmfan.models.block_features import BlockReader
from mmfan.utils.progress import ProgressLine
from mmfan.utils.text import shortlist

Prepare = Callable[[NDArray[np.uint8]], Tensor]


class Pictures(Protocol):
    """Pictures with a class each, as a model gets them.

    Attributes:
        classes: Their names, in the order of their numbers.
    """

    classes: Sequence[str]

    def described(self) -> list[Any]:
        """What they are: the same list for the same pictures, read in the same way."""
        ...

    def inputs(self, cell: Cell) -> Iterator[tuple[Tensor, int]]:
        """(1, 3, H, W) of each picture under a cell, and its class."""
        ...


def preprocessed(model: Any) -> Prepare:
    """From (H, W, 3) RGB uint8 to what a segmentor or detector computes with, (1, 3, H', W'): by its preprocessor."""

    def prepare(rgb: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(rgb[..., ::-1].transpose(2, 0, 1)))
        size = tuple(rgb.shape[:2])
        sample = BaseDataElement(metainfo={"img_shape": size, "ori_shape": size})
        found: Tensor = model.data_preprocessor({"inputs": [pixels], "data_samples": [sample]}, False)["inputs"]
        return found

    return prepare


class FolderPictures:
    """Pictures of folders of classes.

    Args:
        data: The pictures, and the form they are brought into.
        count: How many, spread evenly over the set, which is in the order of its classes.
        prepare: From a picture, (H, W, 3) RGB uint8, to what the model gets, (1, 3, H', W').
        seed: Of corruptions.
        progress: Of a name for the part to what is told how far it is.
    """

    def __init__(
        self,
        data: ClassificationData,
        count: int,
        prepare: Prepare,
        seed: int = 0,
        progress: Callable[[str], ProgressLine] | None = None,
    ) -> None:
        self.data, self.prepare, self.seed, self.progress = data, prepare, seed, progress
        self.numbers = spread(len(data.names), count)
        self.classes = data.classes

    def described(self) -> list[Any]:
        """The pictures, their classes and their form."""
        form = self.data.form.to_dict() if self.data.form else None
        return [form, list(self.classes), [[self.data.names[one], *self.data.held(one)] for one in self.numbers]]

    def pictures(self, cell: Cell) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """Pictures, RGB, corrupted with the bytes that a corrupted set has, and their classes."""
        preparation = Preparation(self.seed, None, None, self.data.form)
        progress = self.progress(str(cell)) if self.progress is not None else None
        for done, number in enumerate(self.numbers, 1):
            item = self.data.under(number, cell)
            yield preparation.make(Unit(0, number, cell, item)).picture, int(item.truth)
            if progress is not None:
                progress(done, len(self.numbers))

    def inputs(self, cell: Cell) -> Iterator[tuple[Tensor, int]]:
        """What the model gets, and the classes."""
        for picture, kind in self.pictures(cell):
            yield self.prepare(picture), kind


class ConfigPictures:
    """Pictures of a classifier's config, through its own test pipeline.

    Args:
        context: Model, data set, number of pictures, seed.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.classes: Sequence[str] = context.dataset.metainfo["classes"]

    def described(self) -> list[Any]:
        """The pictures, their classes and the pipeline."""
        pipeline = innermost_dataset(self.context.model.cfg.test_dataloader.dataset)["pipeline"]
        return [pipeline, list(self.classes), [self._held(number) for number in self.context.numbers()]]

    def _held(self, number: int) -> list[Any]:
        info = self.context.dataset.get_data_info(number)
        return [self.context.names[number], Path(info["img_path"]).read_bytes(), int(info["gt_label"])]

    def inputs(self, cell: Cell) -> Iterator[tuple[Tensor, int]]:
        """What the model gets, and the classes."""
        for picture in self.context.pictures(cell=cell):
            yield self.context.inputs(picture), int(self.context.dataset.get_data_info(picture.number)["gt_label"])


class PictureTask:
    """Linear probes and nearest neighbours of whole pictures.

    Args:
        reader: Reads the blocks.
        training: What probes are fitted to.
        test: What they are judged on; its classes have the numbers of the training set's.
        neighbours: How many vote.

    Raises:
        AnalysisError: The two sets have other classes.
    """

    metric: str = "top1"
    readouts: tuple[str, ...] = ("linear", "knn")

    def __init__(self, reader: BlockReader, training: Pictures, test: Pictures, neighbours: int = 20) -> None:
        if list(training.classes) != list(test.classes):
            raise AnalysisError(
                f"The training set has the classes {shortlist(list(training.classes), 5)}, the test set "
                f"{shortlist(list(test.classes), 5)}: expected the same, in one order."
            )
        self.reader, self.training, self.test, self.neighbours = reader, training, test, neighbours
        self.classes = training.classes

    def described(self) -> list[Any]:
        """What the scores depend on beside weights and options: the pictures and their classes."""
        return [self.metric, self.training.described(), self.test.described()]

    def samples(self) -> Samples:
        """Features of the clean training pictures."""
        return self._read(self.training, CLEAN)

    def judge(self, cell: Cell, depths: Sequence[Depth], linear: Sequence[LinearProbe], samples: Samples) -> Scores:
        """The share of the test pictures under a cell whose class each depth says."""
        seen = self._read(self.test, cell)
        found: Scores = {"linear": [], "knn": []}
        for depth, probe in zip(depths, linear, strict=True):
            features = joined(seen.features, depth)
            near = Neighbours(joined(samples.features, depth), samples.labels, self.neighbours)
            for readout, labels in (("linear", probe.predict(features)), ("knn", near.predict(features))):
                found[readout].append(float(np.mean(labels == seen.labels)))
        return found

    def _read(self, pictures: Pictures, cell: Cell) -> Samples:
        rows, labels = [], []
        for inputs, kind in pictures.inputs(cell):
            rows.append([one.cpu() for one in pooled(self.reader.read(inputs))])
            labels.append(kind)
        return Samples([torch.cat(block) for block in zip(*rows, strict=True)], np.array(labels, np.int64))
