"""Judging a detector that is a plain function: AP of pycocotools, pictures, what is refused."""

import contextlib
import io
import json

import cv2
import numpy as np
import pytest

pytest.importorskip("pycocotools")
from helpers.known_predictions import Peeker
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmfan import CocoData, judge
from mmfan.corruptions import corrupt, picture_seed
from mmfan.datasets.miniature import write_coco
from mmfan.evaluation.judging.findings import PreflightError
from mmfan.evaluation.results.store import ResultsStore

PROTOCOL = {"corruptions": ["gaussian_noise"], "severities": [1, 3]}
QUICK = {"workers": 0, "verbose": False}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("coco")
    write_coco(root, train=1, val=3, size=(128, 64), workers=1)
    return root / "val2017", root / "annotations/instances_val2017.json"


@pytest.fixture(scope="module")
def peek(tree):
    return Peeker(*tree)


def seed_of(name, cell):
    return picture_seed(0, f"val2017/{name}", cell[0], cell[1])


def by_pycocotools(tree, peek, cell, kind="bbox"):
    """The twelve numbers of COCO, by hand."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tree[1]))
        numbers = [category["id"] for category in truth.dataset["categories"]]
        found = []
        for number, entry in truth.imgs.items():
            picture = np.ascontiguousarray(cv2.imread(str(tree[0] / entry["file_name"]))[..., ::-1])
            if cell is not None:
                picture = corrupt(picture, cell[0], cell[1], seed_of(entry["file_name"], cell))
            said = peek(picture)
            for box, score, label in zip(said["xyxy"].tolist(), said["scores"], said["labels"], strict=True):
                size = [box[2] - box[0], box[3] - box[1]]
                found.append({"image_id": number, "category_id": numbers[label], "bbox": [*box[:2], *size],
                              "score": float(score)})  # fmt: skip
        judged = COCOeval(truth, truth.loadRes(found), kind)
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return judged.stats


def test_scores_are_those_of_pycocotools(tree, peek, tmp_path):
    found = judge(peek, CocoData(*tree), PROTOCOL, tmp_path / "r.jsonl", **QUICK)
    for record, cell in zip(found.records, (None, ("gaussian_noise", 1), ("gaussian_noise", 3)), strict=True):
        stats = by_pycocotools(tree, peek, cell)
        # pycocotools' own mAP_50 and the rest are over its last number of detections, 100
        assert record["metrics"]["bbox_mAP"] == stats[0]
        assert record["metrics"]["bbox_mAP_50"] == pytest.approx(stats[1], abs=1e-12)
        assert record["metrics"]["bbox_mAP_s"] == pytest.approx(stats[3], abs=1e-12)
    assert 0 < found.clean < 1
    assert found.metric == "bbox_mAP"
    assert set(found.records[0]["per_class"]) == {"bbox_mAP"}
    assert "bbox_mAP_l" not in found.metrics  # no object is that large
    assert found.records[0]["probe"]["signature"] != [0.0] * 7


def test_a_part_of_the_classes_and_pictures(tree, peek):
    data = CocoData(*tree, classes=["car", "bus"])
    places = {CocoData(*tree).classes.index(name): at for at, name in enumerate(data.classes)}

    def of_two(rgb):
        said = peek(rgb)
        kept = [at for at, label in enumerate(said["labels"]) if int(label) in places]
        part = {key: said[key][kept] for key in ("xyxy", "scores")}
        return {**part, "labels": np.array([places[int(said["labels"][at])] for at in kept], int)}

    found = judge(of_two, data, PROTOCOL, limit=2, **QUICK)
    assert set(found.records[0]["per_class"]["bbox_mAP"]) == {"car", "bus"}


def test_pictures_with_objects(tree, peek, tmp_path):
    judge(peek, CocoData(*tree, masks=True), PROTOCOL, tmp_path / "r.jsonl", pictures=1, **QUICK)
    folder = tmp_path / "r.jsonl.pictures"
    kept = sorted(path.relative_to(folder).parent.as_posix() for path in folder.rglob("*.png"))
    cells = ("clean-0", "gaussian_noise-1", "gaussian_noise-3")
    assert kept == [f"{part}/{cell}/val2017" for part in ("input", "model") for cell in cells] + ["truth/val2017"]
    shown = cv2.imread(str(next((folder / "truth").rglob("*.png"))))
    clean = cv2.imread(str(next((folder / "input/clean-0").rglob("*.png"))))
    assert shown.shape[0] > clean.shape[0]  # enlarged, so that the names can be read


def nothing(rgb):
    return {"boxes": [], "scores": [], "labels": []}


def test_a_model_that_finds_nothing(tree, tmp_path):
    found = judge(nothing, CocoData(*tree), PROTOCOL, tmp_path / "r.jsonl", **QUICK)
    assert (found.clean, found.corrupted, found.retention) == (0, 0, None)
    notes = [record["note"] for record in ResultsStore(tmp_path / "r.jsonl").records()]
    assert notes == ["The model detected nothing in 3 pictures."] * 3


def test_boxes_in_fractions_are_found_before_the_first_cell(tree):
    fractions = {"boxes": [[0.1, 0.2, 0.5, 0.6]], "scores": [0.5], "labels": [0]}
    with pytest.raises(PreflightError, match=r"All boxes predicted for val2017/.* between 0 and 1: expected pixels"):
        judge(lambda rgb: fractions, CocoData(*tree), PROTOCOL, **QUICK)


def test_stated_sizes_are_compared_with_the_files(tree, tmp_path):
    content = json.loads(tree[1].read_text())
    content["images"][1]["width"] = 100
    content["annotations"] = [
        {key: value for key, value in one.items() if key != "segmentation"} for one in content["annotations"]
    ]
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(PreflightError, match=r"is of another size than its annotations state: .*100x64 stated"):
        judge(nothing, CocoData(tree[0], tmp_path / "a.json"), PROTOCOL, **QUICK)


def test_a_domain_of_coco_o_is_judged_against_its_own_annotations(tree, tmp_path):
    domain = tmp_path / "coco_o/weather"
    write_coco(domain, train=1, val=2, size=(128, 64), seed=7, workers=1)
    own = domain / "val2017", domain / "annotations/instances_val2017.json"
    both = [Peeker(*tree), Peeker(*own)]

    def predict(rgb):  # that of the two which has such a picture
        return min((peek(rgb) for peek in both), key=lambda said: -len(said["scores"]))

    data, place = CocoData(*tree), {"coco_o": {"root": tmp_path / "coco_o", "conditions": ["weather"]}}
    found = judge(predict, data, "clean", tmp_path / "r.jsonl", weather=place, **QUICK)
    clean, weather = found.records
    alone = [
        judge(predict, one, "clean", tmp_path / f"{at}.jsonl", **QUICK) for at, one in enumerate((data, CocoData(*own)))
    ]
    assert [one["metrics"] for one in found.records] == [one.records[0]["metrics"] for one in alone]
    assert weather["metrics"] != clean["metrics"]
    assert weather["condition"]["settings"]["contents"].startswith("2-")
    with pytest.raises(FileNotFoundError, match="get COCO-O from the page of EasyRobust"):
        judge(predict, data, "clean", weather={"coco_o": tmp_path / "coco_o"}, **QUICK)
    with pytest.raises(FileNotFoundError, match="exdark` writes it"):
        judge(predict, data, "clean", weather={"exdark": tmp_path}, **QUICK)
