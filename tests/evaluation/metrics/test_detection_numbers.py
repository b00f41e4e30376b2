"""Average precision of the judge against pycocotools, run by hand on the predictions as a file."""

import contextlib
import io
import json

import numpy as np
import pytest
import torch
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

pytest.importorskip("mmdet")
from mmfan.evaluation.metrics.detection import STATS
from mmfan.evaluation.metrics.evaluator import RetentionEvaluator

HEIGHT, WIDTH = 120, 160
# numbers of categories with gaps and not from 0; no picture has a kite, and no class is called sign
CATEGORIES = {"box": 3, "kite": 7, "disc": 18, "sign": 20}
CLASSES = ("box", "kite", "disc")
PICTURES = (139, 7, 581781, 42, 1000)  # ids, in no order
EMPTY, UNSEEN = 7, 1000  # without objects; without detections


def rle(left, top, width, height):
    """A filled ellipse in a box, as run lengths."""
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    inside = ((xs - left - width / 2) / (width / 2)) ** 2 + ((ys - top - height / 2) / (height / 2)) ** 2 <= 1
    found = run_lengths.encode(np.asfortranarray(inside.astype(np.uint8)))
    return {"size": [HEIGHT, WIDTH], "counts": found["counts"].decode()}


def random_box(rng):
    side = rng.choice([12, 45, 105])  # COCO's small, medium, large
    width, height = side * rng.uniform(0.8, 1.1, 2)
    return [float(rng.uniform(0, WIDTH - width)), float(rng.uniform(0, HEIGHT - height)), float(width), float(height)]


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """Annotations with polygons, run lengths, a crowd, and an object that no class stands for."""
    rng = np.random.default_rng(5)
    annotations = []
    for picture in PICTURES:
        for place in range(0 if picture == EMPTY else 7):
            x, y, width, height = box = random_box(rng)
            polygon = [x, y, x + width, y, x + width, y + height, x, y + height]
            annotations.append(
                {
                    "id": 100 - len(annotations),
                    "image_id": picture,
                    "category_id": CATEGORIES["sign"] if place == 6 else CATEGORIES["box" if place % 2 else "disc"],
                    "bbox": box,
                    "area": width * height * (1 if place % 2 else np.pi / 4),
                    "iscrowd": int(place == 5),
                    "segmentation": [polygon] if place % 2 and place != 5 else rle(*box),
                }
            )
    content = {
        "images": [{"id": p, "file_name": f"{p:012d}.jpg", "height": HEIGHT, "width": WIDTH} for p in PICTURES],
        "categories": [{"id": number, "name": name} for name, number in CATEGORIES.items()],
        "annotations": annotations,
    }
    path = tmp_path_factory.mktemp("truth") / "instances.json"
    path.write_text(json.dumps(content))
    return path


def predict(truth, seed, masks=True, empty=False):
    """A sample a picture: the truth somewhat off, doubled, mistaken, and things that are not there."""
    rng = np.random.default_rng(seed)
    annotations = json.loads(truth.read_text())["annotations"]
    samples = []
    for picture in PICTURES:
        boxes, labels = [], []
        for entry in annotations if picture != UNSEEN and not empty else []:
            if entry["image_id"] == picture:
                for _ in range(rng.integers(1, 3)):
                    boxes.append([max(0.5, value) for value in np.array(entry["bbox"]) + rng.uniform(-4, 4, 4)])
                    labels.append({3: 0, 18: 2}.get(entry["category_id"], 1) if rng.random() < 0.8 else 1)
        if picture != UNSEEN and not empty:
            boxes += [random_box(rng) for _ in range(3)]
            labels += [0, 1, 2]
        found = np.array(boxes, np.float32).reshape(-1, 4)
        instances = {
            "bboxes": torch.tensor(np.concatenate((found[:, :2], found[:, :2] + found[:, 2:]), axis=1)),
            "scores": torch.tensor(rng.uniform(0.05, 1, len(boxes)), dtype=torch.float32),
            "labels": torch.tensor(labels, dtype=torch.int64),
        }
        if masks:
            instances["masks"] = [rle(*box) for box in found.tolist()]
        samples.append({"img_id": picture, "ori_shape": (HEIGHT, WIDTH), "pred_instances": instances})
    return samples


def by_hand(truth, samples, kind, pictures=PICTURES):
    """COCO's own toolkit with its own settings; returns its twelve numbers and the table of precisions."""
    numbers = [CATEGORIES[name] for name in CLASSES]
    dump = []
    for sample in samples:
        found = sample["pred_instances"]
        for place, label in enumerate(found["labels"].tolist()):
            left, top, right, bottom = found["bboxes"][place].tolist()
            where = {"bbox": [left, top, right - left, bottom - top]}
            if kind == "segm":
                where = {"segmentation": found["masks"][place]}
            score = float(found["scores"][place])
            dump.append({"image_id": sample["img_id"], "category_id": numbers[label], "score": score, **where})
    dumped = truth.with_name("dump.json")
    dumped.write_text(json.dumps(dump))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(truth))
        judged = COCOeval(coco, coco.loadRes(str(dumped)), kind)
        judged.params.catIds = numbers
        judged.params.imgIds = sorted(pictures)
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return judged.stats, judged.eval["precision"]


def judge(truth, samples, metric=("bbox", "segm"), classes=CLASSES):
    evaluator = RetentionEvaluator({"type": "CocoMetric", "ann_file": str(truth), "metric": list(metric)})
    evaluator.dataset_meta = {"classes": classes}
    evaluator.process(samples, None)
    return evaluator.cell_scores()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_boxes_and_masks_equal_the_toolkit(truth, seed):
    samples = predict(truth, seed)
    scores = judge(truth, samples)
    for kind in ("bbox", "segm"):
        stats, precision = by_hand(truth, samples, kind)
        for name, place in STATS.items():
            assert scores.metrics[f"{kind}_{name}"] == pytest.approx(stats[place], abs=1e-9), name
            assert stats[place] >= 0, name  # there are objects of each size
        assert 0.1 < stats[0] < stats[1] < 1
        for place, name in enumerate(CLASSES):
            values = precision[:, :, place, 0, -1]
            own = scores.per_class[f"{kind}_mAP"][name]
            if name == "kite":
                assert np.isnan(own)
                assert (values == -1).all()
            else:
                assert own == pytest.approx(values.mean(), abs=1e-9)
    assert scores.metrics["bbox_mAP"] != scores.metrics["segm_mAP"]
    assert scores.note == ""


def test_more_than_a_hundred_detections(truth):
    """COCO's AP is over the hundred surest; the others go by the metric's own limit, as in mmdetection."""
    samples = predict(truth, 3, masks=False)
    for sample in samples:
        found = sample["pred_instances"]
        corners = torch.rand(140, 2) * 50  # boxes that are nothing, some of them surer than what is right
        found["bboxes"] = torch.cat((found["bboxes"], torch.cat((corners, corners + 9), dim=1)))
        found["labels"] = torch.cat((found["labels"], torch.zeros(140, dtype=torch.int64)))
        found["scores"] = torch.cat((found["scores"], torch.rand(140))) * torch.tensor(
            [0.4] * (len(found["scores"])) + [1.0] * 140
        )
    stats, _ = by_hand(truth, samples, "bbox")
    found = judge(truth, samples, ["bbox"]).metrics
    assert found["bbox_mAP"] == pytest.approx(stats[0], abs=1e-9)
    assert found["bbox_mAP_50"] > stats[1] + 1e-4


def test_only_some_pictures(truth):
    samples = predict(truth, 0)[:3]
    stats, _ = by_hand(truth, samples, "bbox", PICTURES[:3])
    assert judge(truth, samples).metrics["bbox_mAP"] == pytest.approx(stats[0], abs=1e-9)


def test_nothing_detected_scores_zero_and_says_so(truth):
    scores = judge(truth, predict(truth, 0, empty=True))
    assert {name: scores.metrics[name] for name in ("bbox_mAP", "bbox_mAP_50", "segm_mAP", "segm_mAP_s")} == {
        "bbox_mAP": 0.0, "bbox_mAP_50": 0.0, "segm_mAP": 0.0, "segm_mAP_s": 0.0,
    }  # fmt: skip
    assert scores.per_class["bbox_mAP"]["box"] == 0.0
    assert scores.note == "The model detected nothing in 5 pictures."


def test_pictures_without_objects_have_no_score(truth):
    samples = [sample for sample in predict(truth, 0) if sample["img_id"] == EMPTY]
    assert np.isnan(judge(truth, samples).metrics["bbox_mAP"])


def test_annotations_of_another_set(truth):
    samples = predict(truth, 0)
    samples[1]["img_id"] = 8
    with pytest.raises(ValueError, match=r"instances.json'\) lack 1 of the 5 pictures judged, by id 8\. Give"):
        judge(truth, samples)
    with pytest.raises(ValueError, match=r"1 of the dataset's 2 classes are not among the 4 categories .*: car\."):
        judge(truth, predict(truth, 0), classes=("box", "car"))
