"""The scores of a segmentor from whole pixel counts, kept per picture and divided once, at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from numpy.typing import NDArray

from mmfan.evaluation.cell_scores import CellScores
from mmfan.evaluation.counts import scores_of_counts
from mmfan.registry import METRICS


def count_pixels(
    prediction: torch.Tensor, truth: torch.Tensor, num_classes: int, ignore_index: int = 255
) -> NDArray[np.int64]:
    """Count the pixels of each class in one picture.

    Args:
        prediction: (H, W) integers: class numbers, or ``ignore_index`` where the model says nothing.
        truth: (H, W) integers: class numbers, or ``ignore_index`` where nothing is to be said.
        num_classes: Number of classes.
        ignore_index: Pixels of the truth with this number do not count.

    Returns:
        (num_classes, 3) int64: of each class, the pixels found (true positives), wrongly claimed (false positives) and
        missed (false negatives).

    Raises:
        ValueError: The sizes differ, or a number is that of no class.
    """
    if prediction.shape != truth.shape:
        raise ValueError(
            f"Prediction and truth differ in size: {tuple(prediction.shape)} and {tuple(truth.shape)} rows x columns. "
            "Load the labels after the steps that change the picture's size."
        )
    counted = truth.to(prediction.device) != ignore_index
    wanted, found = truth.to(prediction.device)[counted].long(), prediction[counted].long()
    # one more column for pixels of which the model says nothing
    found = found.masked_fill(found == ignore_index, num_classes)
    for what, numbers, highest in (("truth", wanted, num_classes - 1), ("prediction", found, num_classes)):
        if numbers.numel() and not 0 <= int(numbers.min()) <= int(numbers.max()) <= highest:
            raise ValueError(
                f"Expected the class numbers of the {what} to be from 0 to {num_classes - 1} (or {ignore_index}, "
                f"ignored), got {int(numbers.min())} to {int(numbers.max())}."
            )
    # one pass for all three counts: entry [t, p] of the matrix holds the pixels of class t that were called p
    columns = num_classes + 1
    matrix = torch.bincount(wanted * columns + found, minlength=num_classes * columns)
    matrix = matrix.reshape(num_classes, columns).cpu()
    hits = matrix.diagonal()
    claimed, there = matrix[:, :num_classes].sum(0), matrix.sum(1)
    return torch.stack((hits, claimed - hits, there - hits), dim=1).numpy().astype(np.int64)


@METRICS.register_module()
class SegCountsMetric(BaseMetric):
    """mIoU, mAcc and aAcc of a segmentor as unrounded fractions, and the pixel counts behind them.

    It stands in for mmsegmentation's ``IoUMetric``, which rounds to two digits of a percentage, adds up pixels in
    single precision and takes unknown arguments without a word. A class that occurs neither in the truth nor in the
    predictions of any picture has no IoU and is left out of the mean, as there; mAcc leaves out the classes that the
    truth lacks.

    Scores, best 1 and worst 0, NaN where nothing is defined: ``mIoU``, ``mAcc`` (mean of the recalls), ``aAcc`` (share
    of the pixels that are right).

    Args:
        ignore_index: Pixels of the truth with this number do not count.
        iou_metrics: For configs written for ``IoUMetric``; only ``'mIoU'`` is known.
        prefix: Put before the names of the scores, with a ``/``.
        collect_device: As in mmengine.

    Raises:
        ValueError: ``iou_metrics`` asks for something else.
    """

    default_prefix = ""

    def __init__(
        self,
        ignore_index: int = 255,
        iou_metrics: str | Sequence[str] = ("mIoU",),
        prefix: str | None = None,
        collect_device: str = "cpu",
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        wanted = [iou_metrics] if isinstance(iou_metrics, str) else list(iou_metrics)
        if wanted != ["mIoU"]:
            raise ValueError(
                f"mmfan.SegCountsMetric gives mIoU, mAcc and aAcc; got iou_metrics={iou_metrics!r}. Leave it out, or "
                "name another metric for RetentionEvaluator."
            )
        self.ignore_index = ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch; each picture adds one entry to ``results``."""
        classes = self._classes()
        for sample in data_samples:
            for key in ("pred_sem_seg", "gt_sem_seg"):
                if key not in sample:
                    raise ValueError(
                        f"The sample of {sample.get('img_path')} has no {key}: scores of segmentation need predicted "
                        "label maps and labels (LoadAnnotations in the test pipeline)."
                    )
            prediction, truth = (sample[key]["data"].squeeze() for key in ("pred_sem_seg", "gt_sem_seg"))
            try:
                counts = count_pixels(prediction, truth, len(classes), self.ignore_index)
            except ValueError as error:
                raise ValueError(f"{sample.get('img_path')}: {error}") from error
            self.results.append(counts)

    def _classes(self) -> tuple[str, ...]:
        meta = self.dataset_meta or {}
        if not meta.get("classes"):
            raise ValueError("mmfan.SegCountsMetric needs the class names of the dataset (metainfo['classes']).")
        return tuple(meta["classes"])

    def scores(self, results: Sequence[NDArray[np.int64]]) -> CellScores:
        """The scores of the pictures whose counts are given, one (classes, 3) array a picture."""
        counts = np.stack(list(results)) if results else np.zeros((0, len(self._classes()), 3), np.int64)
        found = scores_of_counts(counts)
        classes = self._classes()
        per_class = {
            name: dict(zip(classes, map(float, values), strict=True)) for name, values in found.per_class.items()
        }
        return CellScores(found.metrics, per_class, counts, classes)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The scores by name."""
        return self.scores(results).metrics
