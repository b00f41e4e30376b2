"""Evaluator of the robustness loop: unrounded scores of one cell after another."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import BaseMetric, Evaluator

from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.metrics.cell_scores import CellScores
from mmfan.evaluation.metrics.judged_only import annotations_of, judged_only
from mmfan.registry import EVALUATOR, METRICS

# metric that rounds -> (the one that takes its place, arguments of the first that mean nothing to the second)
REPLACED: dict[str, tuple[str, frozenset[str]]] = {
    "IoUMetric": ("mmfan.SegCountsMetric", frozenset()),
    "CocoMetric": ("mmfan.CocoScoresMetric", frozenset({"classwise"})),
    "Accuracy": ("mmfan.ClassScoresMetric", frozenset({"topk", "thrs"})),
}
_ABSENT = object()


def unrounded(metric: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the metric that gives the same scores unrounded, or the config as it is where mmfan has none.

    Args:
        metric: Config of a metric.

    Raises:
        MMFanError: The metric is to write files only, or has arguments that would change its scores and that are not
            known here.

    >>> unrounded(dict(type="mmseg.IoUMetric", iou_metrics=["mIoU"]))
    {'type': 'mmfan.SegCountsMetric', 'iou_metrics': ['mIoU']}
    """
    name = _rounding(metric.get("type", ""))
    if name is None:
        return dict(metric)
    kind, unused = REPLACED[name]
    if metric.get("format_only"):
        raise MMFanError(f"{name} with format_only=True gives no scores; RobustnessLoop needs a metric that does.")
    kept = {key: value for key, value in metric.items() if key not in unused and key != "format_only"}
    # mmsegmentation's defaults, and what asks for nothing
    for key in ("nan_to_num", "output_dir"):
        if key in kept and name == "IoUMetric" and kept.pop(key) is not None:
            raise MMFanError(f"{name}({key}=...) cannot be judged unrounded; leave it out of the evaluator.")
    return {**kept, "type": kind}


def _rounding(kind: Any) -> str | None:
    """The name of the metric of OpenMMLab that a config's ``type`` means, if it is one that rounds.

    Configs in Python's own syntax hold the class itself, others a name with or without its scope.
    """
    scope, _, name = (
        f"{kind.__module__}.{kind.__name__}".rpartition(".") if isinstance(kind, type) else str(kind).rpartition(".")
    )
    return name if name in REPLACED and scope.partition(".")[0] in ("", "mmseg", "mmdet", "mmpretrain") else None


def _built(config: dict[str, Any]) -> Any:
    """Build a metric; arguments that it does not take are a mistake of the config."""
    try:
        return METRICS.build(config)
    except TypeError as error:
        found = re.search(r"(got an unexpected keyword argument|missing \d+ required).*", str(error))
        if not found:
            raise
        raise ConfigError(f"The metric {config['type']} {found.group()}: mend the evaluator of the config.") from error


@EVALUATOR.register_module()
class RetentionEvaluator(Evaluator):
    """Scores a model on one cell after another, and keeps what a results file needs.

    mmsegmentation's ``IoUMetric`` and mmdetection's ``CocoMetric`` round their scores, so that a retention would be a
    ratio of rounded numbers: :class:`mmfan.evaluation.metrics.segmentation.SegCountsMetric` and
    :class:`mmfan.evaluation.metrics.detection.CocoScoresMetric` take their places, with the same names of scores. For
    mmpretrain's ``Accuracy``, which gives percentages, it is
    :class:`mmfan.evaluation.metrics.class_scores.ClassScoresMetric`, whose names are ``top1``, ``top5`` and
    ``mean_class``. Other metrics are used as they are; those of mmdetection that read an annotation file score the
    judged pictures alone (:mod:`mmfan.evaluation.metrics.judged_only`).

    Args:
        metric: Config of a metric (or several), as ``test_evaluator`` holds it.
        scale: Factor that makes fractions of the scores of a metric that is not mmfan's: 0.01 for percentages.
        calibration: Sum up the model's confidence too (:mod:`mmfan.evaluation.metrics.calibration`): True, or what a
            segmentor leaves as ``seg_logits``: ``'logits'`` (the same as True) or ``'probabilities'``.

    Raises:
        MMFanError: A metric cannot be used, see :func:`unrounded`; or none is one whose model has a confidence.
    """

    def __init__(
        self,
        metric: dict | BaseMetric | Sequence[dict | BaseMetric],
        scale: float = 1.0,
        calibration: bool | str = False,
    ) -> None:
        wanted = list(metric) if isinstance(metric, (list, tuple)) else [metric]
        if not wanted:
            raise MMFanError("RetentionEvaluator needs a metric, got an empty list.")
        super().__init__([_built(unrounded(one)) if isinstance(one, Mapping) else one for one in wanted])
        rounded = [type(one).__name__ for one in self.metrics if _rounding(type(one))]
        if rounded:
            raise MMFanError(
                f"{', '.join(rounded)} was built already, and rounds its scores: give RetentionEvaluator its config, "
                "so that the metric with unrounded scores can take its place."
            )
        foreign = [type(one).__name__ for one in self.metrics if not isinstance(one, BaseMetric)]
        if foreign:
            raise MMFanError(
                f"Expected metrics made from mmengine's BaseMetric, got {', '.join(foreign)}: their partial results "
                "cannot be gathered from several processes."
            )
        if not scale > 0:
            raise MMFanError(f"Expected scale to be above 0, got {scale}.")
        self.scale = scale
        if calibration:
            self._calibrate("logits" if calibration is True else calibration)

    def _calibrate(self, form: Any) -> None:
        """Have the confidence of the model summed up beside the scores of the metrics."""
        labels = [metric for metric in self.metrics if type(metric).__name__ == "SegCountsMetric"]
        objects: list[Any] = [
            metric for metric in self.metrics if type(metric).__name__ in ("CocoScoresMetric", "ClassScoresMetric")
        ]
        if not labels and not objects:
            others = ", ".join(type(one).__name__ for one in self.metrics)
            raise MMFanError(
                f"Calibration is of segmentors, detectors and classifiers; {others} says nothing of a model's "
                "confidence: leave it out."
            )
        for metric in objects[:1]:
            metric.calibrated = True
        for metric in labels[:1]:
            kind = {"type": "mmfan.CalibrationMetric", "form": form, "ignore_index": metric.ignore_index}
            self.metrics.append(_built(kind))

    def cell_scores(self) -> CellScores | None:
        """The scores of what was processed since the last call; collective.

        Each process must have processed every W-th picture (W processes), so that their results can be put back into
        the order of the dataset.

        Returns:
            The scores in the main process, None in the others.

        Raises:
            MMFanError: Two metrics give a score of one name.
        """
        found = [self._scores_of(metric) for metric in self.metrics]
        if not is_main_process():
            return None
        metrics: dict[str, float] = {}
        per_class: dict[str, dict[str, float]] = {}
        notes: dict[str, None] = {}
        counted, calibration = None, None
        for scores in filter(None, found):
            twice = sorted(set(metrics) & set(scores.metrics))
            if twice:
                raise MMFanError(f"Two metrics give {', '.join(twice)}; give one of them a `prefix`.")
            metrics |= scores.metrics
            per_class |= scores.per_class
            counted = scores if scores.counts is not None else counted
            notes |= dict.fromkeys(filter(None, [scores.note]))
            calibration = calibration or scores.calibration
        counts, classes = (None, ()) if counted is None else (counted.counts, counted.classes)
        return CellScores(metrics, per_class, counts, classes, " ".join(notes), calibration)

    def forget(self) -> None:
        """Drop what was processed since the last scores."""
        for metric in self.metrics:
            _settle(metric)
            metric.results.clear()

    def _scores_of(self, metric: BaseMetric) -> CellScores | None:
        _settle(metric)
        # mmengine's own gathering fills up the parts to equal lengths and cuts the surplus off
        parts = all_gather_object(list(metric.results))
        metric.results.clear()
        if not is_main_process():
            return None
        results = [one for row in zip_longest(*parts, fillvalue=_ABSENT) for one in row if one is not _ABSENT]
        if hasattr(metric, "scores"):
            scores = metric.scores(results)
        else:
            with judged_only(metric, results):
                found = metric.compute_metrics(results)
            # what the toolkits of COCO and LVIS say where there are no objects, as of a size
            lacking = None if annotations_of(metric) is None else -1
            scores = CellScores(
                {name: math.nan if value == lacking else float(value) * self.scale for name, value in found.items()}
            )
        if not metric.prefix:
            return scores
        return CellScores(
            {f"{metric.prefix}/{name}": value for name, value in scores.metrics.items()},
            {f"{metric.prefix}/{name}": value for name, value in scores.per_class.items()},
            scores.counts,
            scores.classes,
            scores.note,
            scores.calibration,
        )


def _settle(metric: BaseMetric) -> None:
    """Have a metric that lets the device work on take in what it has waited for, if it is one."""
    if hasattr(metric, "settle"):
        metric.settle()


def make_evaluator(evaluator: Any) -> RetentionEvaluator:
    """The evaluator that a config asks for.

    Args:
        evaluator: ``dict(type='mmfan.RetentionEvaluator', metric=...)``, or the config of an ordinary metric or
            several, or an evaluator that is built already.

    Raises:
        MMFanError: It is none of these.
    """
    if isinstance(evaluator, RetentionEvaluator):
        return evaluator
    if isinstance(evaluator, Evaluator):
        return RetentionEvaluator(evaluator.metrics)
    content = copy.deepcopy(evaluator)
    if isinstance(content, Mapping):
        if _is_ours(content):
            _check_keys(content)
            return EVALUATOR.build(content)
        if "metrics" in content:  # mmengine's own way to write an evaluator
            return RetentionEvaluator(content["metrics"])
    if isinstance(content, (Mapping, list, tuple)):
        return RetentionEvaluator(content)
    raise MMFanError(f"Expected the config of a metric or an evaluator as test_evaluator, got {evaluator!r:.80}.")


def with_calibration(evaluator: Any, calibration: bool | str = True) -> dict[str, Any]:
    """The config of an evaluator that sums up the model's confidence too.

    Args:
        evaluator: The config of an evaluator or of metrics; it is not changed.
        calibration: As of :class:`RetentionEvaluator`.

    >>> with_calibration(dict(type="IoUMetric"))
    {'type': 'mmfan.RetentionEvaluator', 'metric': {'type': 'IoUMetric'}, 'calibration': True}
    """
    if isinstance(evaluator, Mapping) and _is_ours(evaluator):
        return {**evaluator, "calibration": calibration}
    several = isinstance(evaluator, Mapping) and "metrics" in evaluator  # mmengine's own way to write an evaluator
    metric = evaluator["metrics"] if several else evaluator
    return {"type": "mmfan.RetentionEvaluator", "metric": metric, "calibration": calibration}


def _is_ours(config: Mapping[str, Any]) -> bool:
    kind = config.get("type")
    return kind is RetentionEvaluator or str(kind).rpartition(".")[2] == "RetentionEvaluator"


def _check_keys(config: Mapping[str, Any]) -> None:
    """Refuse what the evaluator does not take: mostly keys that a config inherits from its base's metric."""
    unknown = sorted(set(config) - {"type", "metric", "scale", "calibration"})
    if unknown or "metric" not in config:
        got = f"got also {', '.join(unknown)}" if unknown else "got none"
        raise ConfigError(
            f"mmfan.RetentionEvaluator takes `metric`, `scale` and `calibration`, {got}. In a config that inherits its "
            "evaluator, write test_evaluator=dict(_delete_=True, type='mmfan.RetentionEvaluator', metric=dict(...)), "
            "or leave the inherited metric as it is: RobustnessLoop wraps it."
        )


def _needs_loop(**_: Any) -> Any:
    raise MMFanError(
        "mmfan.RetentionEvaluator scores cell by cell and needs the loop that goes through them: set "
        "test_cfg=dict(type='mmfan.RobustnessLoop', ...) (or val_cfg), or use the metric alone."
    )


# Ordinary loops look the evaluator up among the metrics and would only say that it is not there.
METRICS.register_module(name="RetentionEvaluator", module=_needs_loop)
