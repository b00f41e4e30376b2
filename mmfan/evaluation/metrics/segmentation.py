"""Segmentation metric: scores from whole pixel counts, kept per picture and divided once, at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from numpy.typing import NDArray

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.labels import check_numbers, scores_of_pictures
from mmfan.registry import METRICS
from mmfan.utils.checks import list_of, whole_number


def count_pixels(
    prediction: torch.Tensor, truth: torch.Tensor, num_classes: int, ignore_index: int = 255
) -> NDArray[np.int64]:
    """Count the pixels of each class in one picture.

    Args:
        prediction: (H, W) integers: class numbers, or an ``ignore_index`` of no class where the model says nothing.
        truth: (H, W) integers: class numbers, or ``ignore_index`` where nothing is to be said.
        num_classes: Number of classes.
        ignore_index: Pixels of the truth with this number do not count. It may be the number of a class: elsewhere a
            model may still claim that class, wrongly, and that counts, as in mmsegmentation.

    Returns:
        (num_classes, 3) int64: of each class, the pixels found (true positives), wrongly claimed (false positives) and
        missed (false negatives).

    Raises:
        MMFanError: The sizes differ, or a number is that of no class.
    """
    if prediction.shape != truth.shape:
        raise MMFanError(
            f"Prediction and truth differ in size: {tuple(prediction.shape)} and {tuple(truth.shape)} rows x columns. "
            "Load the labels after the steps that change the picture's size."
        )
    # 32 bits are four times as fast as the 64 of the tensors, and plain fills faster than picking pixels out
    wanted = truth.to(prediction.device, torch.int32, copy=True)
    found = prediction.to(torch.int32, copy=True)
    ignored = wanted == ignore_index
    # the number of a class is an answer like any other where the truth says something else
    silent = torch.zeros_like(ignored) if 0 <= ignore_index < num_classes else found == ignore_index
    _check_numbers(wanted.masked_fill_(ignored, 0), found.masked_fill_(silent, 0), num_classes, ignore_index)
    # One pass for all three counts: entry [t, p] of the matrix holds the pixels of class t that were called p. The last
    # row holds those that do not count, the last column those of which the model says nothing.
    size = num_classes + 1
    key = wanted.masked_fill_(ignored, num_classes).mul_(size).add_(found.masked_fill_(silent, num_classes))
    matrix = torch.bincount(key.flatten(), minlength=size**2).reshape(size, size)[:num_classes].cpu()
    hits = matrix.diagonal()
    claimed, there = matrix[:, :num_classes].sum(0), matrix.sum(1)
    return torch.stack((hits, claimed - hits, there - hits), dim=1).numpy().astype(np.int64)


def _check_numbers(truth: torch.Tensor, prediction: torch.Tensor, num_classes: int, ignore_index: int) -> None:
    if not truth.numel():
        return
    # one transfer from the device for all four
    ends = torch.stack((truth.min(), truth.max(), prediction.min(), prediction.max())).tolist()
    check_numbers("truth", ends[0], ends[1], num_classes, ignore_index)
    check_numbers("prediction", ends[2], ends[3], num_classes, ignore_index)


@METRICS.register_module()
class SegCountsMetric(BaseMetric):
    """mIoU, mAcc and aAcc of a segmentor as unrounded fractions, and the pixel counts behind them.

    It stands in for mmsegmentation's ``IoUMetric``, which rounds to two digits of a percentage, adds up pixels in
    single precision and takes unknown arguments without a word. A class that occurs neither in the truth nor in the
    predictions of any picture has no IoU and is left out of the mean, as there; mAcc leaves out the classes that the
    truth lacks.

    Scores, best 1 and worst 0, NaN where nothing is defined: ``mIoU``, ``mAcc`` (mean of the recalls), ``aAcc`` (share
    of the pixels that are right), and on request ``mDice``, ``mFscore``, ``mPrecision`` and ``mRecall``.

    Args:
        ignore_index: Pixels of the truth with this number do not count.
        iou_metrics: What to give beside mIoU, mAcc and aAcc: ``'mDice'``, ``'mFscore'`` (with mPrecision and mRecall).
            ``'mIoU'`` is there in any case.
        beta: Weight of the recall in mFscore.
        prefix: Put before the names of the scores, with a ``/``.
        collect_device: As in mmengine.

    Raises:
        MMFanError: ``iou_metrics`` asks for something else or is no list, ``beta`` is not above 0, or ``ignore_index``
            is no whole number.
    """

    default_prefix = ""

    def __init__(
        self,
        ignore_index: int = 255,
        iou_metrics: str | Sequence[str] = ("mIoU",),
        beta: float = 1,
        prefix: str | None = None,
        collect_device: str = "cpu",
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        wanted = [iou_metrics] if isinstance(iou_metrics, str) else list_of(str, "iou_metrics", iou_metrics)
        if set(wanted) - {"mIoU", "mDice", "mFscore"}:
            raise MMFanError(f"Expected iou_metrics to be among mIoU, mDice, mFscore, got {iou_metrics!r}.")
        if not (isinstance(beta, (int, float)) and beta > 0):
            raise MMFanError(f"Expected beta, the weight of the recall in mFscore, to be above 0, got {beta!r}.")
        self.iou_metrics, self.beta = wanted, beta
        self.ignore_index = whole_number("ignore_index", ignore_index)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch; each picture adds one entry to ``results``."""
        classes = self._classes()
        for sample in data_samples:
            for key in ("pred_sem_seg", "gt_sem_seg"):
                if key not in sample:
                    raise MMFanError(
                        f"The sample of {sample.get('img_path')} has no {key}: scores of segmentation need predicted "
                        "label maps and labels (LoadAnnotations in the test pipeline)."
                    )
            prediction, truth = (sample[key]["data"].squeeze() for key in ("pred_sem_seg", "gt_sem_seg"))
            try:
                counts = count_pixels(prediction, truth, len(classes), self.ignore_index)
            except ValueError as error:
                raise MMFanError(f"{sample.get('img_path')}: {error}") from error
            self.results.append(counts)

    def _classes(self) -> tuple[str, ...]:
        meta = self.dataset_meta or {}
        if not meta.get("classes"):
            raise MMFanError("mmfan.SegCountsMetric needs the class names of the dataset (metainfo['classes']).")
        return tuple(meta["classes"])

    def scores(self, results: Sequence[NDArray[np.int64]]) -> CellScores:
        """The scores of the pictures whose counts are given, one (classes, 3) array a picture."""
        return scores_of_pictures(list(results), self._classes(), self.iou_metrics, self.beta)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The scores by name."""
        return self.scores(results).metrics
