"""Every legal setting of CocoMetric gives mmdetection's own scores on the same detections, or is refused by name."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from helpers.tiny_retinanet import SIZE, write_coco
from mmdet.evaluation.metrics import CocoMetric
from pycocotools import mask as coco_mask

from mmfan.errors import MMFanError
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator

CLASSES = ("box", "disc")


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """The annotations of six pictures, with a rectangle as the mask of each object and one group."""
    file = write_coco(tmp_path_factory.mktemp("coco"), pictures=6)
    content = json.loads(file.read_text())
    for entry in content["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    content["annotations"][3]["iscrowd"] = 1
    content["annotations"][3]["segmentation"] = rectangle(content["annotations"][3]["bbox"])
    file.write_text(json.dumps(content))
    return file


def rectangle(box):
    left, top, width, height = (round(side) for side in box)
    mask = np.zeros(SIZE, np.uint8, order="F")
    mask[max(top, 0) : top + height, max(left, 0) : left + width] = 1
    found = coco_mask.encode(mask)
    return {"size": list(SIZE), "counts": found["counts"].decode()}


def detections(truth, exact=False, seed=0):
    """A sample a picture: the objects, somewhat off, and two that are nothing."""
    content = json.loads(truth.read_text())
    rng = np.random.default_rng(seed)
    samples = []
    for image in content["images"]:
        own = [entry for entry in content["annotations"] if entry["image_id"] == image["id"]]
        boxes = np.array([entry["bbox"] for entry in own], float)
        labels = [entry["category_id"] - 1 for entry in own]
        if not exact:
            boxes = np.concatenate((boxes + rng.uniform(-3, 3, boxes.shape), [[1, 1, 20, 20], [20, 20, 30, 30]]))
            labels += [0, 1]
        masks = [rectangle(box) for box in boxes]
        boxes[:, 2:] += boxes[:, :2]
        found = {
            "bboxes": torch.tensor(boxes, dtype=torch.float32),
            "scores": torch.tensor(rng.uniform(0.1, 1, len(boxes)), dtype=torch.float32),
            "labels": torch.tensor(labels),
            "masks": masks,
        }
        samples.append({"img_id": image["id"], "ori_shape": SIZE, "pred_instances": found})
    return samples


def evaluator(truth, classes=CLASSES, **settings):
    ours = RetentionEvaluator({"type": "CocoMetric", "ann_file": str(truth), **settings})
    ours.dataset_meta = {"classes": classes}
    return ours


def scores_of(truth, samples, classes=CLASSES, **settings):
    ours = evaluator(truth, classes, **settings)
    ours.process(samples, None)
    return ours.cell_scores()


def theirs_of(truth, samples, **settings):
    theirs = CocoMetric(ann_file=str(truth), **settings)
    theirs.dataset_meta = {"classes": CLASSES}
    theirs.process({}, samples)
    return {name.removeprefix("coco/"): value for name, value in theirs.evaluate(len(samples)).items()}


def assert_same(expected, scores):
    """Equal to the three digits that mmdetection keeps; its -1 is NaN here."""
    for name, value in expected.items():
        ours = scores.metrics[name]
        assert (value == -1 and np.isnan(ours)) or ours == pytest.approx(value, abs=0.00051), name


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"metric": "bbox"},
        {"metric": "segm"},
        {"metric": ["bbox", "segm"]},
        {"metric": ["segm", "bbox"], "classwise": True},
        {"iou_thrs": np.array([0.5, 0.75])},
        {"iou_thrs": np.array([0.5])},
        {"proposal_nums": (1, 10, 100)},
        {"proposal_nums": (100, 100, 100)},
        {"metric_items": ["mAP", "mAP_75"]},
        {"metric_items": ["AR@100", "AR@1000", "AR_s@1000", "mAP_50"]},
        {"sort_categories": True},
        {"use_mp_eval": False},
        {"collect_device": "cpu"},
        {"backend_args": None},
    ],
    ids=str,
)
def test_settings(truth, settings):
    samples = detections(truth)
    expected = theirs_of(truth, samples, **settings)
    scores = scores_of(truth, samples, **settings)
    if settings.get("classwise"):
        for name in CLASSES:
            assert scores.per_class["bbox_mAP"][name] == pytest.approx(expected.pop(f"{name}_precision"), abs=0.00051)
    assert_same(expected, scores)
    assert any(0 < value < 1 for value in expected.values())


@pytest.mark.parametrize("thresholds", [0.5, [0.5]])
def test_thresholds_that_mmdetection_fails_on(truth, thresholds):
    samples = detections(truth)
    scores = scores_of(truth, samples, iou_thrs=thresholds)
    assert_same(theirs_of(truth, samples, iou_thrs=np.array([0.5])), scores)


def test_a_prefix_stands_before_the_names(truth):
    samples = detections(truth)
    assert theirs_of(truth, samples, prefix="own").keys() == scores_of(truth, samples, prefix="own").metrics.keys()


def test_without_a_file_the_samples_are_the_truth(truth):
    content = json.loads(truth.read_text())
    samples = detections(truth)
    for sample in samples:
        own = [entry for entry in content["annotations"] if entry["image_id"] == sample["img_id"]]
        sample["instances"] = [
            {
                "bbox": [*entry["bbox"][:2], entry["bbox"][0] + entry["bbox"][2], entry["bbox"][1] + entry["bbox"][3]],
                "bbox_label": entry["category_id"] - 1,
                "ignore_flag": entry["iscrowd"],
            }
            for entry in own
        ]
    theirs = CocoMetric()
    theirs.dataset_meta = {"classes": CLASSES}
    theirs.process({}, samples)
    ours = RetentionEvaluator({"type": "CocoMetric"})
    ours.dataset_meta = {"classes": CLASSES}
    ours.process(samples, None)
    assert_same(
        {name.removeprefix("coco/"): value for name, value in theirs.evaluate(len(samples)).items()}, ours.cell_scores()
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metric": "proposal"}, "'bbox', 'segm' or both"),
        ({"metric": "proposal_fast"}, "'bbox', 'segm' or both"),
        ({"format_only": True, "outfile_prefix": "a/b"}, "format_only=True gives no scores"),
        ({"metric_items": ["mAP_90"]}, r"Expected metric_items among mAP, .*got mAP_90"),
    ],
)
def test_settings_without_scores_are_refused(truth, settings, message):
    with pytest.raises(MMFanError, match=message):
        evaluator(truth, **settings)


def changed(truth, tmp_path, change):
    content = json.loads(truth.read_text())
    change(content)
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(content))
    return file


def number_from_zero(content):
    for place, entry in enumerate(content["annotations"]):
        entry["id"] = place


def test_objects_found_exactly_have_the_score_one(truth):
    scores = scores_of(truth, detections(truth, exact=True), metric=["bbox", "segm"])
    assert scores.metrics["bbox_mAP"] == pytest.approx(1)
    assert scores.metrics["segm_mAP"] == pytest.approx(1)


def test_numbers_from_zero_are_refused_before_anything_is_judged(truth, tmp_path):
    file = changed(truth, tmp_path, number_from_zero)
    assert theirs_of(file, detections(truth, exact=True))["bbox_mAP"] < 1  # the toolkit takes 0 for no object
    with pytest.raises(MMFanError, match=r"changed\.json cannot be scored: annotation 0 with an id"):
        evaluator(file)


def test_categories_in_another_order_than_the_classes_are_refused(truth, tmp_path):
    file = changed(truth, tmp_path, lambda content: content["categories"].reverse())
    assert theirs_of(file, detections(truth, exact=True))["bbox_mAP"] < 0.1
    with pytest.raises(MMFanError, match=r"in the order of the file, .*the file has disc, box, the dataset box, disc"):
        evaluator(file)
    # sorted by their numbers they are in the order of the classes again
    assert scores_of(file, detections(truth, exact=True), sort_categories=True).metrics["bbox_mAP"] == pytest.approx(1)


def test_a_picture_judged_twice_is_refused(truth):
    samples = detections(truth, exact=True)
    with pytest.raises(MMFanError, match=r"holds 6 pictures more than once, with the ids 1, 2, 3 and 3 more"):
        scores_of(truth, samples + samples)


def test_a_set_without_objects(truth, tmp_path):
    file = changed(truth, tmp_path, lambda content: content.update(annotations=[]))
    scores = scores_of(file, detections(truth))
    assert np.isnan(scores.metrics["bbox_mAP"])
