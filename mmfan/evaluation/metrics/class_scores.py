"""``ClassScoresMetric``: top-1 and top-5 of a classifier that mmengine's Runner tests, unrounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from numpy.typing import NDArray

from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.metrics.calibration.confidence import sums_of_picture
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.classification import rank_of, scores_of_ranks
from mmfan.registry import METRICS

TOGETHER = 256  # pictures whose confidence is summed up at a time


@METRICS.register_module()
class ClassScoresMetric(BaseMetric):
    """``top1``, ``top5`` and ``mean_class``: :func:`mmfan.evaluation.metrics.classification.scores_of_ranks`.

    It takes the predictions of :class:`mmfan.ImageClassifier` and of mmpretrain's models: data samples with
    ``pred_score`` (K,), probabilities, and ``gt_label``, one class. Of mmpretrain's ``Accuracy``, which gives
    percentages, it takes the place wherever mmfan judges.

    Args:
        prefix: Put before the names of the scores, with a ``/``.
        collect_device: As in mmengine.

    Attributes:
        calibrated: Sum up the confidence too.

    Raises:
        ConfigError: At work, a sample lacks ``pred_score`` or ``gt_label``, or has several classes.
    """

    default_prefix = ""

    def __init__(self, prefix: str | None = None, collect_device: str = "cpu") -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.calibrated = False

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Take in predictions: of each the place of the true class, that class, and its confidence where asked."""
        for sample in data_samples:
            scores, truth = self._read(sample)
            self.results.append((rank_of(scores, truth), truth, scores if self.calibrated else None))

    def _read(self, sample: dict[str, Any]) -> tuple[NDArray[np.float32], int]:
        found, label = sample.get("pred_score"), sample.get("gt_label")
        if not isinstance(found, torch.Tensor) or not isinstance(label, torch.Tensor) or label.numel() != 1:
            raise ConfigError(
                "The metric needs classifiers: data samples with `pred_score`, the scores of all classes, and "
                f"`gt_label` of one class, got {', '.join(sorted(map(str, sample)))}."
            )
        scores, truth = found.detach().float().flatten().cpu().numpy(), int(label)
        classes = self._classes()
        if len(scores) != len(classes) or not 0 <= truth < len(classes):
            raise MMFanError(
                f"The model has scores of {len(scores)} classes, the data set {len(classes)} classes and here the "
                f"number {truth}: set num_classes of the network, or metainfo=dict(classes=...) of the data set."
            )
        if not np.isfinite(scores).all():
            raise MMFanError(f"The scores of {sample.get('img_path')} hold numbers that are not finite.")
        return scores, truth

    def _classes(self) -> tuple[str, ...]:
        return tuple((self.dataset_meta or {}).get("classes", ()))

    def scores(self, results: Sequence[tuple[int, int, NDArray[np.float32] | None]]) -> CellScores:
        """The scores of what was processed."""
        found = scores_of_ranks([rank for rank, _, _ in results], [truth for _, truth, _ in results], self._classes())
        shares = [one for _, _, one in results if one is not None]
        if not shares:
            return found
        truths, total = np.array([truth for _, truth, _ in results], np.int64), None
        for at in range(0, len(shares), TOGETHER):  # each picture is a pixel of its own
            part = np.stack(shares[at : at + TOGETHER], axis=1)[..., None]
            sums = sums_of_picture(part, truths[at : at + TOGETHER, None], "probabilities", -1)
            total = sums if total is None else total.plus(sums)
        return replace(found, calibration=total)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """The same as mmengine's loops take it."""
        return self.scores(results).metrics
