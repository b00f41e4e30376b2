"""Calibration of a segmentor, as a metric beside the pixel counts: integer sums of what its scores say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.calibration.calibration import CalibrationSums, sum_of
from mmfan.evaluation.metrics.calibration.confidence import FORMS, Form, check_shapes, sums_of_picture
from mmfan.evaluation.metrics.calibration.device_confidence import RunningSums, check_others, share_of_others
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.registry import METRICS


@METRICS.register_module()
class CalibrationMetric(BaseMetric):
    """ECE, class-wise ECE, NLL, Brier, AUROC and FPR95 of a segmentor (:mod:`mmfan.evaluation.metrics.calibration`).

    ``RetentionEvaluator(..., calibration=True)`` puts it beside the metric of the pixel counts. It reads the scores
    that mmsegmentation's segmentors leave in their samples, ``seg_logits``. On a GPU the sums are taken there.

    Args:
        form: What these scores are: ``'logits'``, or ``'probabilities'``. Segmentors of one output channel leave the
            probability of their second class, which is known without being said.
        ignore_index: Pixels of the truth with this number do not count.
        collect_device: As in mmengine.
        prefix: As in mmengine.

    Raises:
        MMFanError: ``form`` is something else.
    """

    default_prefix = ""
    reads_bytes = True  # labels may be bytes

    def __init__(
        self,
        form: Form = "logits",
        ignore_index: int = 255,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if form not in FORMS:
            raise MMFanError(f"Expected the form of the scores to be among {', '.join(FORMS)}, got {form!r}.")
        self.form: Form = form
        self.results: list[CalibrationSums] = []
        self.ignore_index = ignore_index
        self.running: RunningSums | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add a batch to the sums, which are all that ``results`` hold.

        Raises:
            MMFanError: A sample has no scores of all classes, or they are not those of its prediction.
        """
        for sample in data_samples:
            try:
                self._add(sample)
            except MMFanError as error:
                raise MMFanError(f"{sample.get('img_path')}: {error}") from error

    def _add(self, sample: dict) -> None:
        if "seg_logits" not in sample or "gt_sem_seg" not in sample:
            raise MMFanError(
                "Calibration needs the scores of all classes, seg_logits in the samples of a model, and labels "
                "(LoadAnnotations in the test pipeline); this model gives none: judge without calibration."
            )
        scores, truth = sample["seg_logits"]["data"], sample["gt_sem_seg"]["data"].squeeze(0)
        form = self.form
        if len(scores) == 1:
            scores, form = torch.cat((1 - scores, scores)), "probabilities"
        said = sample["pred_sem_seg"]["data"].squeeze(0) if "pred_sem_seg" in sample else None
        check_shapes(tuple(scores.shape), tuple(truth.shape))
        if scores.device.type != "cpu":
            if self.running is None:
                self.running = RunningSums(len(scores), form, self.ignore_index)
            self.running.add(scores, truth, said)
            return
        if said is not None:
            check_others(float(share_of_others(scores, said)))
        found = sums_of_picture(scores.float().numpy(), truth.numpy(), form, self.ignore_index)
        self.results = [sum_of([*self.results, found], len(scores))]

    def settle(self) -> None:
        """Read what a GPU has added up into ``results``.

        Raises:
            MMFanError: The scores or labels were no such.
        """
        if self.running is not None:
            found, self.running = self.running.read(), None
            self.results = [sum_of([*self.results, found], len(found.classes))]

    def scores(self, results: Sequence[CalibrationSums]) -> CellScores:
        """The sums of all processes, beside no score of a cell."""
        return CellScores({}, calibration=sum_of(results, len(results[0].classes)) if results else None)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The scores by name, for mmengine's own loops."""
        self.settle()
        found = self.scores(results).calibration
        return {} if found is None else found.scores()
