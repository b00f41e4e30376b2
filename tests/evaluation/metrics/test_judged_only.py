"""Metrics of mmdetection that mmfan does not replace count the pictures that were judged, and no others."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from helpers.tiny_retinanet import SIZE, write_coco
from mmdet.evaluation.metrics import (
    CocoMetric,
    CocoOccludedSeparatedMetric,
    DODCocoMetric,
    OVCocoMetric,
)
from mmengine.evaluator import BaseMetric

from mmfan.evaluation.metrics.evaluator import RetentionEvaluator

CLASSES = ("box", "disc")
META = {"classes": CLASSES, "base_classes": CLASSES[:1], "novel_classes": CLASSES[1:]}


class Own(CocoMetric):
    """What a user makes of it."""


class Whole(CocoMetric):
    """One that sets the pictures by itself."""

    def compute_metrics(self, results):
        self.img_ids = self._coco_api.get_img_ids()
        return super().compute_metrics(results)


class Opaque(CocoMetric):
    """One whose results do not say which picture they are of."""

    def process(self, data_batch, data_samples):
        self.results += ["something"] * len(data_samples)

    def compute_metrics(self, results):
        return {"half": 0.5}


class OfEachPicture(BaseMetric):
    """One that has compared each picture with the annotations already, as mmdetection's panoptic metric."""

    def process(self, data_batch, data_samples):
        self.results += [object() for _ in data_samples]

    def compute_metrics(self, results):
        return {"pictures": len(self._coco_api.get_img_ids()) / 10}


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    file = write_coco(tmp_path_factory.mktemp("coco"), pictures=4)
    content = json.loads(file.read_text())
    for image in content["images"]:  # as LVIS has them
        image |= {"neg_category_ids": [], "not_exhaustive_category_ids": []}
    for category in content["categories"]:
        category |= {"frequency": "f", "synset": category["name"]}
    for entry in content["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    file.write_text(json.dumps(content))
    return file


def found(truth):
    """A sample a picture, with its objects as what was detected."""
    content = json.loads(truth.read_text())
    samples = []
    for image in content["images"]:
        own = [entry for entry in content["annotations"] if entry["image_id"] == image["id"]]
        boxes = torch.tensor([entry["bbox"] for entry in own], dtype=torch.float32)
        boxes[:, 2:] += boxes[:, :2]
        labels = torch.tensor([entry["category_id"] - 1 for entry in own])
        instances = {"bboxes": boxes, "scores": torch.full((len(own),), 0.9), "labels": labels}
        samples.append({"img_id": image["id"], "ori_shape": SIZE, "pred_instances": instances})
    return samples


def scores_of(metric, samples):
    evaluator = RetentionEvaluator(metric)
    evaluator.dataset_meta = META
    evaluator.process(samples, None)
    return evaluator.cell_scores().metrics


@pytest.mark.parametrize("kind", [Own, Whole, OVCocoMetric])
def test_pictures_that_were_not_judged_do_not_count_as_missed(truth, kind):
    metric, samples = (
        kind(ann_file=str(truth), metric=["bbox", "proposal_fast"], proposal_nums=(1, 10, 100)),
        found(truth),
    )
    for some in ([samples[2]], [samples[3], samples[0]], samples):  # one cell after another, in an order of their own
        scores = scores_of(metric, some)
        assert scores["coco/bbox_mAP"] == scores["coco/AR@10"] == 1
    wrong = [samples[1], {**samples[3], "pred_instances": samples[0]["pred_instances"]}]
    assert scores_of(metric, wrong)["coco/bbox_mAP"] < 0.9
    assert len(metric._coco_api.get_img_ids()) == 4


@pytest.mark.parametrize("file", [True, False])
def test_a_size_that_the_truth_lacks_has_no_score(truth, file):
    samples = found(truth)
    for sample in samples:
        instances = sample["pred_instances"]
        sample["instances"] = [
            {"bbox": box.tolist(), "bbox_label": int(label), "ignore_flag": 0}
            for box, label in zip(instances["bboxes"], instances["labels"], strict=True)
        ]
    scores = scores_of(Own(ann_file=str(truth) if file else None), samples)
    assert (scores["coco/bbox_mAP"], scores["coco/bbox_mAP_s"]) == (1, 1)
    assert np.isnan(scores["coco/bbox_mAP_l"])


def test_descriptions(truth, tmp_path):
    content = json.loads(truth.read_text())
    content["categories"][0]["name"], content["categories"][1]["name"] = "a box", "a disc that is round"
    more = [("that is seen from very far above by someone", 3), ("which is so long that nobody reads " * 3, 4)]
    content["categories"] += [{"id": number, "name": name} for name, number in more]
    for at, entry in enumerate([one for one in content["annotations"] if one["category_id"] == 2]):
        content["annotations"] += [{**entry, "id": 100 + 2 * at + number, "category_id": number} for number in (3, 4)]
    file = tmp_path / "described.json"
    file.write_text(json.dumps(content))
    samples = found(file)
    for sample in samples:
        sample["sent_ids"] = np.array([1, 2, 3, 4])
    assert scores_of(DODCocoMetric(ann_file=str(file)), samples[1:2])["dod/mAP"] == 1


def test_lvis(truth, monkeypatch):
    pytest.importorskip("lvis")
    monkeypatch.setattr(np, "float", float, raising=False)  # which its releases still ask for
    from mmdet.evaluation.metrics import LVISMetric

    for some in (found(truth)[1:3], found(truth)):
        assert scores_of(LVISMetric(ann_file=str(truth), metric="bbox"), some)["lvis/bbox_AP"] == 1


def test_those_that_cannot_be_kept_to_the_judged_pictures_are_refused(truth, tmp_path):
    (tmp_path / "none.json").write_text("[]")
    occluded = CocoOccludedSeparatedMetric(
        ann_file=str(truth), occluded_ann=str(tmp_path / "none.json"), separated_ann=str(tmp_path / "none.json")
    )
    samples = found(truth)
    for metric in (occluded, Opaque(ann_file=str(truth))):
        with pytest.raises(ValueError, match=r"Metric|Opaque scores over all 4 pictures.*2 of them were.*`limit`"):
            scores_of(metric, samples[:2])
    assert scores_of(Opaque(ann_file=str(truth)), samples) == {"coco/half": 0.5}


def test_metrics_of_each_picture_are_left_alone(truth):
    metric = OfEachPicture()
    metric._coco_api = CocoMetric(ann_file=str(truth))._coco_api
    assert scores_of(metric, found(truth)[:1]) == {"pictures": 0.4}
