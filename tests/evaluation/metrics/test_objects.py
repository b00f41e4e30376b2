"""Average precision on pycocotools, of boxes whose score is known by hand."""

import math

import numpy as np
import pytest

pytest.importorskip("pycocotools")
from mmfan.evaluation.metrics.objects import index_of, score_objects

CONTENT = {
    "images": [{"id": number, "file_name": f"{number}.png", "width": 100, "height": 100} for number in (1, 2)],
    "categories": [{"id": 3, "name": "box"}, {"id": 8, "name": "disc"}],
    "annotations": [
        {"id": number, "image_id": picture, "category_id": 3, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0,
         "segmentation": [[10, 10, 50, 10, 50, 50, 10, 50]]}
        for number, picture in ((1, 1), (2, 2))
    ],
}  # fmt: skip


def found(picture, box, score=0.9):
    return {"image_id": picture, "category_id": 3, "bbox": box, "score": score}


def score(detections, images=(1, 2), kind="bbox", **more):
    return score_objects(index_of(CONTENT), detections, kind, images, [3, 8], **more)


def test_by_hand():
    exact, half = found(1, [10, 10, 40, 40]), found(2, [10, 10, 40, 26], 0.8)  # the second has the IoU 0.65
    assert score([exact, found(2, [10, 10, 40, 40])]).metrics["mAP"] == pytest.approx(1)
    # one of two is found everywhere (51 of 101 recalls); the other at the thresholds .5, .55, .6 and .65
    alone = 51 / 101
    assert score([exact]).metrics["mAP"] == pytest.approx(alone)
    scored = score([exact, half], recalls=["AR@100"])
    assert scored.metrics["mAP"] == pytest.approx((4 + 6 * alone) / 10)
    assert scored.metrics["AR@100"] == pytest.approx((4 + 6 / 2) / 10)
    assert scored.per_class["box"] == scored.metrics["mAP"]
    assert math.isnan(scored.per_class["disc"])
    assert math.isnan(scored.metrics["mAP_l"])  # no object is that large


def test_pictures_that_were_not_judged_do_not_count():
    assert score([found(1, [10, 10, 40, 40])], images=[1]).metrics["mAP"] == pytest.approx(1)


def test_nothing_found():
    assert score([]).metrics["mAP"] == 0


def test_masks_are_scored_by_themselves():
    from pycocotools import mask

    packed = mask.frPyObjects(CONTENT["annotations"][0]["segmentation"], 100, 100)[0]
    detections = [{**found(number, [0, 0, 1, 1]), "segmentation": packed} for number in (1, 2)]
    assert score(detections, kind="segm").metrics["mAP"] == pytest.approx(1)
    assert "bbox" in detections[0]  # the arguments stay as they are


def test_the_scores_of_boxes_against_what_they_found():
    boxes = [
        found(1, [10, 10, 40, 40], 0.9),  # found
        found(2, [10, 10, 40, 26], 0.8),  # found: the IoU is 0.65
        found(2, [10, 10, 40, 15], 0.7),  # its IoU is below 0.5
        found(1, [60, 60, 9, 9], 0.04),  # too unsure to count
    ]
    sums = score(boxes, calibrated=True).calibration
    assert sums.count == 3
    assert sums.accuracy == pytest.approx(2 / 3)
    assert sums.scores()["ECE"] == pytest.approx((0.1 + 0.2 + 0.7) / 3, abs=1e-6)
    assert sums.scores()["AUROC"] == 1
    assert score(boxes).calibration is None
    assert score([], calibrated=True).calibration.count == 0
    with pytest.raises(ValueError, match=r"at the IoU 0\.5"):
        score(boxes, calibrated=True, thresholds=np.array([0.75]))
