"""Registration of loop, evaluator and metrics with mmengine, under the scope ``mmfan``, when this is imported.

Apart from this, the package needs no torch, so that results are summarised and reported without it.
"""

from typing import Any

from mmfan.environment import is_installed, register_missing
from mmfan.evaluation.loop.robustness_loop import RobustnessLoop
from mmfan.evaluation.metrics.calibration.segmentation import CalibrationMetric
from mmfan.evaluation.metrics.class_scores import ClassScoresMetric
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator
from mmfan.evaluation.metrics.segmentation import SegCountsMetric
from mmfan.registry import METRICS

__all__ = ["CalibrationMetric", "ClassScoresMetric", "RetentionEvaluator", "RobustnessLoop", "SegCountsMetric"]


def _coco_scores_metric(**arguments: Any) -> Any:
    # mmdetection is loaded when its metric is asked for, and not by those who only segment
    from mmfan.evaluation.metrics.detection import CocoScoresMetric

    return CocoScoresMetric(**arguments)


if is_installed("mmdet"):
    METRICS.register_module(name="CocoScoresMetric", module=_coco_scores_metric)
else:
    register_missing(METRICS, "mmdet", ("CocoScoresMetric",))
