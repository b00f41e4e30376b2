"""Average precision unrounded, for the pictures that were judged."""

import json
import re

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from helpers.tiny_retinanet import SIZE, write_coco
from mmdet.evaluation.metrics import CocoMetric

from mmfan.evaluation.metrics.detection import CocoScoresMetric

META = {"classes": ("box", "disc")}


def predictions(annotations, seed=0, shift=3):
    """A sample a picture, with boxes somewhat off and some of them wrong."""
    content = json.loads(annotations.read_text())
    rng = np.random.default_rng(seed)
    samples = []
    for image in content["images"]:
        own = [entry for entry in content["annotations"] if entry["image_id"] == image["id"]]
        boxes = np.array([entry["bbox"] for entry in own], float)
        boxes[:, 2:] += boxes[:, :2]
        boxes = np.concatenate((boxes + rng.uniform(-shift, shift, boxes.shape), rng.uniform(0, 60, (2, 4))))
        labels = [entry["category_id"] - 1 for entry in own] + [0, 1]
        samples.append(
            {
                "img_id": image["id"],
                "ori_shape": SIZE,
                "pred_instances": {
                    "bboxes": torch.tensor(boxes, dtype=torch.float32),
                    "scores": torch.tensor(rng.uniform(0.1, 1, len(boxes)), dtype=torch.float32),
                    "labels": torch.tensor(labels),
                },
            }
        )
    return samples


def fed(kind, annotations, samples, **more):
    metric = kind(ann_file=str(annotations), **more)
    metric.dataset_meta = META
    metric.process({}, samples)
    return metric


@pytest.fixture(scope="module")
def annotations(tmp_path_factory):
    return write_coco(tmp_path_factory.mktemp("coco"), pictures=6)


def test_agrees_with_mmdetection_to_its_three_digits(annotations):
    samples = predictions(annotations)
    scores = (metric := fed(CocoScoresMetric, annotations, samples)).scores(metric.results)
    expected = fed(CocoMetric, annotations, samples, classwise=True).evaluate(6)
    for name, value in scores.metrics.items():
        theirs = expected[f"coco/{name}"]
        assert (np.isnan(value) and theirs == -1) or round(value, 3) == theirs, name
    for name, value in scores.per_class["bbox_mAP"].items():
        assert round(value, 3) == expected[f"coco/{name}_precision"]
    assert 0.2 < scores.metrics["bbox_mAP"] < 1
    assert scores.metrics["bbox_mAP"] == pytest.approx(np.mean(list(scores.per_class["bbox_mAP"].values())))
    assert scores.metrics["bbox_mAP"] != round(scores.metrics["bbox_mAP"], 4)
    assert np.isnan(scores.metrics["bbox_mAP_l"])  # the set has no large objects


def test_only_the_pictures_judged_count(annotations):
    samples = predictions(annotations, shift=0)
    half = fed(CocoScoresMetric, annotations, samples[:3]).evaluate(3)
    assert half["bbox_mAP"] > 0.9  # CocoMetric would count the other three as missed
    assert fed(CocoMetric, annotations, samples[:3]).evaluate(3)["coco/bbox_mAP"] < 0.6


def test_a_model_that_finds_nothing_scores_zero(annotations):
    samples = predictions(annotations)
    for sample in samples:
        sample["pred_instances"] = {name: value[:0] for name, value in sample["pred_instances"].items()}
    found = fed(CocoScoresMetric, annotations, samples).evaluate(6)
    assert (found["bbox_mAP"], found["bbox_mAP_50"]) == (0.0, 0.0)


def test_bad_input_is_named(annotations, tmp_path):
    with pytest.raises(ValueError, match=r"'bbox', 'segm' or both .*got 'proposal'"):
        CocoScoresMetric(metric="proposal")
    said = str(CocoScoresMetric(ann_file=str(annotations), metric=["segm"]).lacks_masks)
    assert re.search(r"annotations 1, 2, 3 and 9 more with no mask .*leave out 'segm'", said)
    content = json.loads(annotations.read_text())
    for entry in content["annotations"]:
        entry["segmentation"] = [[1, 1, 9, 1, 9, 9]]
    (tmp_path / "masks.json").write_text(json.dumps(content))
    metric = fed(CocoScoresMetric, tmp_path / "masks.json", predictions(annotations), metric=["segm"])
    with pytest.raises(ValueError, match="predicts no masks"):
        metric.evaluate(6)
    masks = {"size": [100, 200], "counts": "PPYo0"}
    found = predictions(annotations)
    for sample in found:
        sample["pred_instances"]["masks"] = [masks] * len(sample["pred_instances"]["labels"])
    metric = fed(CocoScoresMetric, annotations, found, metric=["segm"])
    with pytest.raises(ValueError, match=r"annotations 1, 2, 3 and 9 more with no mask"):
        metric.evaluate(6)
    with pytest.raises(ValueError, match="no picture was processed"):
        metric.scores([])
