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
    counted = Counted(prediction, truth, num_classes, ignore_index)
    if counted.behind:
        counted.check()
    return counted.counts.cpu().numpy()


def runs_behind(device: torch.device) -> bool:
    """Whether what is asked of a device is done while the program goes on."""
    return device.type != "cpu"


class Counted:
    """Counts of one picture on the model's device, which the device need not have finished; see :func:`count_pixels`.

    Args:
        prediction: (H, W) integers.
        truth: (H, W) integers, on any device.
        num_classes: Number of classes.
        ignore_index: Pixels of the truth with this number do not count.

    Attributes:
        counts: (num_classes, 3) int64, on the device; meaningless where numbers are those of no class.
        behind: Whether the device may not have finished; else the numbers were looked at.
        ends: (4,): the lowest and the highest number of the truth, and of the prediction, that are to be of a class.

    Raises:
        MMFanError: The sizes differ; or, on a CPU, a number is that of no class.
    """

    def __init__(
        self, prediction: torch.Tensor, truth: torch.Tensor, num_classes: int, ignore_index: int = 255
    ) -> None:
        if prediction.shape != truth.shape:
            raise MMFanError(
                f"Prediction and truth differ in size: {tuple(prediction.shape)} and {tuple(truth.shape)} rows x "
                "columns. Load the labels after the steps that change the picture's size."
            )
        self.num_classes, self.ignore_index = num_classes, ignore_index
        # 32 bits are four times as fast as the 64 of the tensors, and plain fills faster than picking pixels out
        wanted = truth.to(prediction.device, non_blocking=True).to(torch.int32, copy=True)
        found = prediction.to(torch.int32, copy=True)
        ignored = wanted == ignore_index
        # the number of a class is an answer like any other where the truth says something else
        silent = torch.zeros_like(ignored) if 0 <= ignore_index < num_classes else found == ignore_index
        self.ends = _ends(wanted.masked_fill_(ignored, 0), found.masked_fill_(silent, 0))
        # One pass for all three counts: entry [t, p] of the matrix holds the pixels of class t that were called p. The
        # last row holds those that do not count, the last column those of which the model says nothing.
        size = num_classes + 1
        self.behind = runs_behind(wanted.device)
        if self.behind:  # a key outside would end the process before the numbers are looked at
            wanted, found = wanted.clamp_(0, num_classes), found.clamp_(0, num_classes)
        else:
            self.check()
        key = wanted.masked_fill_(ignored, num_classes).mul_(size).add_(found.masked_fill_(silent, num_classes))
        matrix = (histogram_behind if self.behind else histogram)(key, size**2).reshape(size, size)[:num_classes]
        hits = matrix.diagonal()
        claimed, there = matrix[:, :num_classes].sum(0), matrix.sum(1)
        self.counts = torch.stack((hits, claimed - hits, there - hits), dim=1)

    def check(self, ends: Sequence[int] | None = None) -> None:
        """See that the numbers are those of classes.

        Args:
            ends: What :attr:`ends` holds, where it was read already.

        Raises:
            MMFanError: They are not.
        """
        low, high, lowest, highest = self.ends.tolist() if ends is None else ends
        check_numbers("truth", low, high, self.num_classes, self.ignore_index)
        check_numbers("prediction", lowest, highest, self.num_classes, self.ignore_index)


def read_counts(pictures: Sequence[Counted], names: Sequence[str | None]) -> list[NDArray[np.int64]]:
    """The counts of pictures, when their device is done with them.

    Args:
        pictures: All on one device, of one number of classes.
        names: Of the pictures, for the error.

    Raises:
        MMFanError: A number in a picture is that of no class.
    """
    # two transfers for all of them
    for name, one, ends in zip(names, pictures, torch.stack([one.ends for one in pictures]).tolist(), strict=True):
        try:
            one.check(ends)
        except MMFanError as error:
            raise MMFanError(f"{name}: {error}") from error
    return list(torch.stack([one.counts for one in pictures]).cpu().numpy())


def _ends(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    if not truth.numel():
        return truth.new_zeros(4)
    return torch.stack((truth.min(), truth.max(), prediction.min(), prediction.max()))


def histogram(keys: torch.Tensor, size: int) -> torch.Tensor:
    """How often each number from 0 to ``size`` - 1 occurs in ``keys``, int64."""
    return torch.bincount(keys.flatten(), minlength=size)


def histogram_behind(keys: torch.Tensor, size: int) -> torch.Tensor:
    """The same without waiting for the device, as bincount does on a GPU for the highest number.

    Each row of ``keys`` (H, W) has counters of its own, which are added up at the end: with one counter for all, the
    pixels of a large road would wait for each other.
    """
    if not keys.numel():
        return keys.new_zeros(size, dtype=torch.int64)
    rows = torch.arange(len(keys), device=keys.device, dtype=torch.int64)[:, None] * size
    counters = torch.zeros(len(keys) * size, dtype=torch.int32, device=keys.device)
    places = (keys + rows).flatten()
    counters.index_add_(0, places, torch.ones(1, dtype=torch.int32, device=keys.device).expand(places.shape))
    return counters.reshape(len(keys), size).sum(0, dtype=torch.int64)


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
    reads_bytes = True  # labels may be bytes

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
        self.waiting: list[tuple[str | None, Counted]] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch; each picture adds one entry to ``results``, on a GPU when it is settled."""
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
                counted = Counted(prediction, truth, len(classes), self.ignore_index)
            except ValueError as error:
                raise MMFanError(f"{sample.get('img_path')}: {error}") from error
            if counted.behind:
                self.waiting.append((sample.get("img_path"), counted))
            else:
                self.results.append(counted.counts.numpy())

    def settle(self) -> None:
        """Read the counts that are still on a GPU into ``results``.

        Raises:
            MMFanError: A number in the labels or predictions of a picture is that of no class.
        """
        waiting, self.waiting = self.waiting, []
        if waiting:
            names, pictures = zip(*waiting, strict=True)
            self.results += read_counts(pictures, names)

    def evaluate(self, size: int) -> dict[str, float]:
        """The scores of what was processed, as mmengine's loops ask for them."""
        self.settle()
        return super().evaluate(size)

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
