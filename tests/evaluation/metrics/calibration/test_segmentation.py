"""Calibration as a metric of mmengine: beside the pixel counts, gathered from processes, and on a device."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric

from mmfan.errors import ConfigError, MMFanError
from mmfan.evaluation.metrics import evaluator as module
from mmfan.evaluation.metrics.calibration.confidence import sums_of_picture
from mmfan.evaluation.metrics.calibration.device_confidence import RunningSums
from mmfan.evaluation.metrics.calibration.segmentation import CalibrationMetric
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator, make_evaluator, with_calibration

CLASSES = ("road", "car", "sky")


def a_sample(seed=0, height=10, width=13):
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy((2 * rng.standard_normal((3, height, width))).astype(np.float32))
    truth = torch.where(torch.from_numpy(rng.random((height, width)) < 0.7), logits.argmax(0), 1)
    truth[0, :3] = 255
    return {
        "seg_logits": {"data": logits},
        "pred_sem_seg": {"data": logits.argmax(0, keepdim=True)},
        "gt_sem_seg": {"data": truth[None].to(torch.uint8)},
        "img_path": f"{seed}.png",
    }


def sums_of(*samples):
    made = [sums_of_picture(one["seg_logits"]["data"].numpy(), one["gt_sem_seg"]["data"][0].numpy()) for one in samples]
    return made[0] if len(made) == 1 else made[0].plus(made[1])


def same(one, other):
    return all(np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))


def an_evaluator(**more):
    made = RetentionEvaluator({"type": "IoUMetric"}, **{"calibration": True, **more})
    made.dataset_meta = {"classes": CLASSES}
    return made


def test_sums_stand_beside_the_scores_and_change_none():
    evaluator, plain = an_evaluator(), an_evaluator(calibration=False)
    for one in (evaluator, plain):
        one.process([a_sample(0), a_sample(1)])
    found, without = evaluator.cell_scores(), plain.cell_scores()
    assert same(found.calibration, sums_of(a_sample(0), a_sample(1)))
    assert without.calibration is None
    assert found.metrics == without.metrics
    assert (found.counts == without.counts).all()
    evaluator.process([a_sample(2)])
    assert same(evaluator.cell_scores().calibration, sums_of(a_sample(2)))  # of the next cell alone


def test_processes_are_gathered(monkeypatch):
    evaluator = an_evaluator()
    evaluator.process([a_sample(0)])
    monkeypatch.setattr(
        module, "all_gather_object",
        lambda own: [own, [sums_of(a_sample(1))] if hasattr(own[0], "bins") else own],
    )  # fmt: skip
    assert same(evaluator.cell_scores().calibration, sums_of(a_sample(0), a_sample(1)))


def test_the_probability_of_a_second_class_alone():
    metric = CalibrationMetric()
    share = torch.tensor([[[0.9, 0.2, 0.6]]])
    sample = {"seg_logits": {"data": share}, "gt_sem_seg": {"data": torch.tensor([[[1, 0, 0]]])}}
    metric.process(None, [sample])
    expected = sums_of_picture(torch.cat((1 - share, share)).numpy(), np.array([[1, 0, 0]]), "probabilities")
    assert same(metric.results[0], expected)


@pytest.mark.parametrize("form", ["logits", "probabilities"])
def test_sums_of_a_device_are_those_of_numpy(form):
    samples = [a_sample(0, 33, 50), a_sample(1, 33, 50)]
    if form == "probabilities":
        for one in samples:
            one["seg_logits"]["data"] = one["seg_logits"]["data"].softmax(0)
    running = RunningSums(3, form, 255)
    wanted = None
    for one in samples:
        scores, truth = one["seg_logits"]["data"], one["gt_sem_seg"]["data"][0]
        running.add(scores, truth, one["pred_sem_seg"]["data"][0])
        found = sums_of_picture(scores.numpy(), truth.numpy(), form)
        wanted = found if wanted is None else wanted.plus(found)
    found = running.read()
    assert found.count == wanted.count
    assert found.accuracy == wanted.accuracy
    assert found.scores() == pytest.approx(wanted.scores(), abs=2e-6)
    assert found.classes[..., 2].sum() == wanted.classes[..., 2].sum() == found.count
    assert np.abs(found.tempered_nll - wanted.tempered_nll).max() <= 2 * found.tempered[0, :, 0].sum()  # roundings
    assert (found.tempered[..., 0].sum(1) == wanted.tempered[..., 0].sum(1)).all()


def test_a_device_says_later_what_was_wrong():
    for change, message in (
        ({"truth": 7}, "truth to be from 0 to 2"),
        ({"said": 1}, "Test-time augmentation leaves the scores of one view"),
        ({"scores": 0.9}, "adding up to 1"),
    ):
        sample = a_sample()
        scores, truth = sample["seg_logits"]["data"].softmax(0), sample["gt_sem_seg"]["data"][0]
        said = torch.full_like(truth, 1) if "said" in change else scores.argmax(0)
        truth = torch.full_like(truth, change.get("truth", 0))
        running = RunningSums(3, "probabilities", 255)
        running.add(scores * change.get("scores", 1), truth, said)
        with pytest.raises(MMFanError, match=message):
            running.read()


def test_what_cannot_be_summed_up_is_named():
    metric = CalibrationMetric()
    with pytest.raises(MMFanError, match=r"0\.png: Calibration needs the scores of all classes, seg_logits"):
        metric.process(None, [{key: value for key, value in a_sample().items() if key != "seg_logits"}])
    other = {**a_sample(), "pred_sem_seg": {"data": torch.zeros(1, 10, 13, dtype=torch.int64)}}
    with pytest.raises(MMFanError, match="not those that the model predicts, at"):
        metric.process(None, [other])
    with pytest.raises(MMFanError, match="logits, probabilities, got 'scores'"):
        CalibrationMetric("scores")


class Nothing(BaseMetric):
    """A metric that mmfan does not know."""

    def process(self, data_batch, data_samples):
        """Nothing."""

    def compute_metrics(self, results):
        return {}


def test_other_metrics_have_no_calibration():
    with pytest.raises(MMFanError, match="Nothing says nothing of a model's confidence"):
        RetentionEvaluator(Nothing(), calibration=True)


def test_configs_are_asked_for_it():
    metric = {"type": "IoUMetric"}
    asked = {"type": "mmfan.RetentionEvaluator", "metric": metric, "calibration": "probabilities"}
    assert with_calibration(metric, "probabilities") == asked
    assert with_calibration({"type": "mmfan.RetentionEvaluator", "metric": metric}, "probabilities") == asked
    assert with_calibration({"metrics": metric}, "probabilities") == asked
    assert with_calibration([metric], "probabilities") == {**asked, "metric": [metric]}
    made = make_evaluator(asked)
    assert [type(one).__name__ for one in made.metrics] == ["SegCountsMetric", "CalibrationMetric"]
    assert made.metrics[1].form == "probabilities"
    with pytest.raises(ConfigError, match="`scale` and `calibration`, got also temperature"):
        make_evaluator({**asked, "temperature": 2})
