"""Scores over parts of the pictures: the pixels that a model could see and those it could not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.counts import scores_of_counts
from mmfan.evaluation.metrics.segmentation import SegCountsMetric, count_pixels

# where a sample says which of its pixels are marked: (H, W) bool, of the size of the labels
MARKED = "marked_pixels"


class PartCountsMetric(SegCountsMetric):
    """The scores of :class:`SegCountsMetric`, and the mIoU over the unmarked and over the marked pixels.

    A class has an IoU of its own in each part; in a part where no class occurs the mIoU is NaN. A picture without marks
    is unmarked as a whole.

    Args:
        parts: Names of the two parts, unmarked first: the scores ``mIoU_<name>``.
        ignore_index: Pixels of the truth with this number do not count.
    """

    def __init__(self, parts: tuple[str, str], ignore_index: int = 255) -> None:
        super().__init__(ignore_index=ignore_index)
        self.parts = parts

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch; each picture adds one (3, classes, 3) entry: all, unmarked, marked."""
        start = len(self.results)
        super().process(data_batch, data_samples)
        self.settle()
        for place, sample in enumerate(data_samples):
            whole = self.results[start + place]
            marked = self._marked_counts(sample) if sample.get(MARKED) is not None else np.zeros_like(whole)
            self.results[start + place] = np.stack((whole, whole - marked, marked))

    def _marked_counts(self, sample: dict) -> NDArray[np.int64]:
        prediction, truth = (sample[key]["data"].squeeze(0) for key in ("pred_sem_seg", "gt_sem_seg"))
        marked = torch.as_tensor(np.asarray(sample[MARKED]), device=truth.device)
        if marked.shape != truth.shape:
            raise MMFanError(
                f"{sample.get('img_path')}: the marks are {tuple(marked.shape)}, the labels {tuple(truth.shape)} "
                "(rows x columns). Load the labels in the size of the picture."
            )
        return count_pixels(
            prediction, truth.long().masked_fill(~marked, self.ignore_index), len(self._classes()), self.ignore_index
        )

    def scores(self, results: Sequence[NDArray[np.int64]]) -> CellScores:
        """The scores of the pictures whose counts are given."""
        counts = np.stack(list(results)) if results else np.zeros((0, 3, len(self._classes()), 3), np.int64)
        found = super().scores(list(counts[:, 0]))
        for place, part in enumerate(self.parts, start=1):
            found.metrics[f"mIoU_{part}"] = scores_of_counts(counts[:, place]).metrics["mIoU"]
        return found
