"""Probes of pixels: of a segmentor's features, on the sets of its config."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.registry import DATASETS, DefaultScope
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmfan.analysis.context import Context
from mmfan.analysis.options import AnalysisError
from mmfan.analysis.probing.depths import Depth, at_pixels
from mmfan.analysis.probing.linear import LinearProbe
from mmfan.analysis.probing.task import Samples, Scores
from mmfan.apis.config import innermost_dataset
from mmfan.apis.libraries import scope_of
from mmfan.corruptions.cell import CLEAN, Cell
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.metrics.segmentation import count_pixels
from mmfan.models.block_features import BlockReader

IGNORED = 255
_OF_LABELS = ("label_map", "reduce_zero_label")  # of a data set: what it makes of the numbers in its label files


def on_training_set(context: Context, count: int) -> Context:
    """A context of the config's training set, read by the test pipeline, without augmentation.

    Raises:
        AnalysisError: The config has no training set, or one of several parts.
    """
    cfg = context.model.cfg
    given = innermost_dataset((cfg.get("train_dataloader") or {}).get("dataset") or {})
    test = innermost_dataset((cfg.get("test_dataloader") or {}).get("dataset") or {})
    if "pipeline" not in given or "pipeline" not in test:
        raise AnalysisError(
            f"{context.config} has no single train_dataloader.dataset and test_dataloader.dataset, each with a "
            "pipeline, which probes are fitted to and judged on."
        )
    dataset = {**copy.deepcopy(given), "pipeline": copy.deepcopy(test["pipeline"])}
    found = replace(context, limit=count, cell=CLEAN, used_taps=[], used_pictures=[])
    with DefaultScope.overwrite_default_scope(scope_of(cfg)):
        found.__dict__["dataset"] = DATASETS.build(dataset)  # in the place of the test set
    return found


class PixelTask:
    """Linear probes of pixels; their classes are those that occur at the training pixels.

    Args:
        context: Model, test pictures, seed, options.
        training: The same on the training set, see :func:`on_training_set`.
        reader: Reads the blocks.
    """

    metric: str = "mIoU"
    readouts: tuple[str, ...] = ("linear",)

    def __init__(self, context: Context, training: Context, reader: BlockReader) -> None:
        self.context, self.training, self.reader = context, training, reader
        self.classes: Sequence[str] = context.model.dataset_meta["classes"]

    def described(self) -> list[Any]:
        """What the scores depend on beside weights and options: the pictures and labels, and how they are read."""
        return [
            self.metric,
            innermost_dataset(self.context.model.cfg.test_dataloader.dataset)["pipeline"],
            list(self.classes),
            [[getattr(one.dataset, name, None) for name in _OF_LABELS] for one in (self.training, self.context)],
            *([_held(one, number) for number in one.numbers()] for one in (self.training, self.context)),
        ]

    def samples(self) -> Samples:
        """Features of labelled pixels of the training pictures, drawn by the names of the pictures.

        Raises:
            AnalysisError: The training set has no label maps, or no labelled pixel.
        """
        features: list[list[Tensor]] = []
        labels: list[NDArray[np.int64]] = []
        for picture in self.training.pictures():
            truth = self.training.truth(picture)
            if truth is None:
                raise AnalysisError(f"{self.context.config} has no label maps: give folders of classes as `images`.")
            known = np.argwhere(truth != IGNORED)
            rng = self.training.generator(picture.name, "pixels")
            chosen = known[rng.permutation(len(known))[: self.context.options.pixels]]
            inputs = self.training.inputs(picture)
            maps = self.reader.read(inputs)
            size = (inputs.shape[2], inputs.shape[3])
            features.append([one.cpu() for one in at_pixels(maps, torch.from_numpy(chosen), size)])
            labels.append(truth[chosen[:, 0], chosen[:, 1]].astype(np.int64))
        return Samples([torch.cat(block) for block in zip(*features, strict=True)], np.concatenate(labels))

    def judge(self, cell: Cell, depths: Sequence[Depth], linear: Sequence[LinearProbe], samples: Samples) -> Scores:
        """The mIoU of each depth on the test pictures under a cell; the classes of the truth and of the predictions."""
        counts: list[list[NDArray[np.int64]]] = [[] for _ in depths]
        for picture in self.context.pictures(cell=cell):
            truth = self.context.truth(picture)
            if truth is None:
                raise AnalysisError(f"The test set of {self.context.config} has no label maps.")
            inputs = self.context.inputs(picture)
            maps, size = self.reader.read(inputs), (inputs.shape[2], inputs.shape[3])
            known = torch.from_numpy(truth.astype(np.int64))
            for found, depth, probe in zip(counts, depths, linear, strict=True):
                labels = predicted(maps, depth, probe, size)[: truth.shape[0], : truth.shape[1]]
                found.append(count_pixels(labels, known, len(self.classes), IGNORED))
        return {"linear": [scores_of_counts(np.stack(found)).metrics[self.metric] for found in counts]}


def predicted(maps: Sequence[Tensor], depth: Depth, probe: LinearProbe, size: tuple[int, int]) -> Tensor:
    """The classes that a probe says, (H, W), from maps (1, C_i, H_i, W_i) that are as if resized to the picture.

    Resizing and the linear layer commute, so the layer comes first; maps of one size are added before.
    """
    chosen = [maps[place] for place in depth.places]
    weights = probe.weight.to(chosen[0]).split([one.shape[1] for one in chosen], dim=1)
    by_size: dict[tuple[int, int], Tensor] = {}
    for values, weight in zip(chosen, weights, strict=True):
        scores, where = F.conv2d(values, weight[:, :, None, None]), (values.shape[2], values.shape[3])
        by_size[where] = by_size[where] + scores if where in by_size else scores
    logits = probe.bias.to(chosen[0])[None, :, None, None]
    for scores in by_size.values():
        logits = logits + F.interpolate(scores, size, mode="bilinear", align_corners=False)
    return torch.from_numpy(probe.classes)[logits[0].argmax(dim=0).cpu()]


def _held(context: Context, number: int) -> list[Any]:
    info = context.dataset.get_data_info(number)
    paths = [info[key] for key in ("img_path", "seg_map_path") if info.get(key)]
    return [context.names[number], *(Path(path).read_bytes() for path in paths)]
