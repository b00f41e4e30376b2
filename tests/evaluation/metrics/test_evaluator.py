"""Which metric takes which place, and what a cell's scores are gathered from."""

import math

import pytest
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.registry import EVALUATOR, METRICS, DefaultScope

from mmfan.evaluation.metrics import evaluator as module
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator, make_evaluator, unrounded
from mmfan.evaluation.metrics.segmentation import SegCountsMetric


class Mean(BaseMetric):
    """The mean of the samples' values, a percentage; its results keep their order."""

    default_prefix = ""

    def process(self, data_batch, data_samples):
        self.results += [sample["value"] for sample in data_samples]

    def compute_metrics(self, results):
        self.order = list(results)
        return {"mean": sum(results) / len(results)}


def test_metrics_that_round_are_replaced():
    assert unrounded({"type": "IoUMetric", "iou_metrics": ["mIoU"], "ignore_index": 0, "format_only": False}) == {
        "type": "mmfan.SegCountsMetric", "iou_metrics": ["mIoU"], "ignore_index": 0,
    }  # fmt: skip
    assert unrounded({"type": "mmdet.CocoMetric", "metric": "bbox", "classwise": True, "ann_file": "a.json"}) == {
        "type": "mmfan.CocoScoresMetric", "metric": "bbox", "ann_file": "a.json",
    }  # fmt: skip
    for other in ({"type": "VOCMetric"}, {"type": "someone.IoUMetric"}):
        assert unrounded(other) == other


@pytest.mark.parametrize("config", [{"type": "IoUMetric", "format_only": True}, {"type": "IoUMetric", "nan_to_num": 0}])
def test_what_would_change_scores_is_refused(config):
    with pytest.raises(ValueError, match=r"format_only=True gives no scores|IoUMetric\(nan_to_num=...\) cannot"):
        unrounded(config)


def test_scales_percentages_and_starts_anew_for_each_cell():
    evaluator = RetentionEvaluator(Mean(), scale=0.01)
    evaluator.process([{"value": 40.0}, {"value": 60.0}])
    assert evaluator.cell_scores().metrics == {"mean": 0.5}
    evaluator.process([{"value": 30.0}])
    assert evaluator.cell_scores().metrics == {"mean": 0.3}


def test_parts_of_several_processes_come_back_in_the_order_of_the_set(monkeypatch):
    # pictures 0..4 on two processes: 0, 2, 4 here and 1, 3 there
    monkeypatch.setattr(module, "all_gather_object", lambda own: [own, [1.0, 3.0]])
    metric = Mean()
    evaluator = RetentionEvaluator(metric)
    evaluator.process([{"value": value} for value in (0.0, 2.0, 4.0)])
    assert evaluator.cell_scores().metrics == {"mean": 2.0}
    assert metric.order == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_two_metrics_and_prefixes():
    both = RetentionEvaluator([Mean(), Mean()])
    both.process([{"value": 1.0}])
    with pytest.raises(ValueError, match="Two metrics give mean; give one of them a `prefix`"):
        both.cell_scores()
    both = RetentionEvaluator([Mean(), Mean(prefix="b")])
    both.process([{"value": 1.0}])
    assert both.cell_scores().metrics == {"mean": 1.0, "b/mean": 1.0}


def test_every_way_to_write_an_evaluator():
    metric = {"type": "IoUMetric"}
    with DefaultScope.overwrite_default_scope("mmseg"):
        for written in (
            metric,
            [metric],
            {"type": "mmfan.RetentionEvaluator", "metric": metric},
            {"type": "Evaluator", "metrics": [metric]},
            Evaluator(SegCountsMetric()),
            EVALUATOR.build({"type": "mmfan.RetentionEvaluator", "metric": metric}),
        ):
            (built,) = make_evaluator(written).metrics
            assert isinstance(built, SegCountsMetric)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (None, "Expected the config of a metric"),
        ([], "needs a metric"),
        ({"type": "mmfan.RetentionEvaluator"}, "takes `metric`, `scale` and `calibration`, got none"),
        ({"type": "mmfan.RetentionEvaluator", "metric": {}, "iou_metrics": []}, "got also iou_metrics.*_delete_=True"),
    ],
)
def test_bad_evaluators_are_refused(written, message):
    with pytest.raises(ValueError, match=message):
        make_evaluator(written)


def test_under_an_ordinary_loop_it_says_what_it_needs():
    with pytest.raises(ValueError, match="needs the loop that goes through them"):
        METRICS.build({"type": "mmfan.RetentionEvaluator", "metric": {"type": "IoUMetric"}})


def test_bad_scale_and_foreign_objects():
    with pytest.raises(ValueError, match="scale to be above 0, got 0"):
        RetentionEvaluator(Mean(), scale=0)
    with pytest.raises(ValueError, match="made from mmengine's BaseMetric, got float"):
        RetentionEvaluator([math.pi])
