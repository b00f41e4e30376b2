"""Top-1 and top-5 of data samples, in the place of mmpretrain's Accuracy."""

import pytest
import torch

from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.metrics.class_scores import ClassScoresMetric
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator, unrounded


def sample(scores, truth):
    return {"pred_score": torch.tensor(scores), "gt_label": torch.tensor([truth]), "img_path": "a.png"}


def metric(classes=3):
    made = ClassScoresMetric()
    made.dataset_meta = {"classes": tuple("abcdefg"[:classes])}
    return made


def test_scores_by_hand():
    made = metric()
    made.process({}, [sample([0.2, 0.5, 0.3], 1), sample([0.2, 0.5, 0.3], 0)])
    made.process({}, [sample([0.6, 0.1, 0.3], 0), sample([0.1, 0.8, 0.1], 1)])
    found = made.scores(made.results)
    assert found.metrics == {"top1": 0.75, "mean_class": 0.75}
    assert found.per_class["top1"]["a"] == 0.5
    assert found.calibration is None
    assert made.compute_metrics(made.results) == found.metrics


def test_confidence_is_summed_up_over_blocks():
    evaluator = RetentionEvaluator({"type": "mmfan.ClassScoresMetric"}, calibration=True)
    evaluator.dataset_meta = {"classes": ("a", "b")}
    # surer than right: confidence .9, right in 60 % of 300
    given = [sample([0.9, 0.1], 0 if number % 5 < 3 else 1) for number in range(300)]
    evaluator.process(data_samples=given, data_batch={})
    found = evaluator.cell_scores()
    assert found.metrics["top1"] == pytest.approx(0.6)
    assert found.calibration.count == 300
    assert found.calibration.scores()["ECE"] == pytest.approx(0.3, abs=1e-6)


def test_mmpretrains_accuracy_is_replaced():
    for name in ("Accuracy", "mmpretrain.Accuracy"):
        assert unrounded({"type": name, "topk": (1, 5)}) == {"type": "mmfan.ClassScoresMetric"}
    assert unrounded({"type": "mmfoo.Accuracy"}) == {"type": "mmfoo.Accuracy"}


def test_what_is_no_prediction_of_a_classifier():
    with pytest.raises(ConfigError, match=r"needs classifiers.*got gt_sem_seg"):
        metric().process({}, [{"gt_sem_seg": 1}])
    with pytest.raises(MMFanError, match="scores of 3 classes, the data set 7 classes"):
        metric(7).process({}, [sample([0.2, 0.5, 0.3], 1)])
    with pytest.raises(MMFanError, match="not finite"):
        metric().process({}, [sample([0.2, float("nan"), 0.3], 1)])
