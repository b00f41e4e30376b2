"""COCO's results files, read by pycocotools: its scores on them are those of the metrics."""

import contextlib
import io
import json
from collections import Counter

import pytest

pytest.importorskip("mmdet")
from helpers.shifted_truth import config
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmfan.apis import build_runner
from mmfan.apis.outputs.coco_results import CocoResults, categories_of
from mmfan.apis.outputs.hooks import PredictionWriter
from mmfan.datasets.miniature import write_coco
from mmfan.errors import MMFanError
from mmfan.utils.files import is_part

pytestmark = pytest.mark.slow
CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "train", "truck")
STEPS = [
    {"type": "LoadImageFromFile"}, {"type": "LoadAnnotations", "with_bbox": True, "with_mask": True},
    {"type": "PackDetInputs", "meta_keys": ("img_id", "img_path", "ori_shape", "img_shape")},
]  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("mini") / "data"
    write_coco(root, train=2, val=4, size=(256, 128), workers=1)
    return root


def dataset(tree, split="val", classes=CLASSES):
    return {
        "type": "mmfan.CocoDataset", "data_root": f"{tree}/", "metainfo": {"classes": classes}, "test_mode": True,
        "ann_file": f"annotations/instances_{split}2017.json", "data_prefix": {"img": f"{split}2017/"},
        "pipeline": STEPS,
    }  # fmt: skip


def run_test(tree, folder, wrapped):
    annotations = f"{tree}/annotations/instances_val2017.json"
    metric = {"type": "CocoMetric", "ann_file": annotations, "metric": ["bbox", "segm"]}
    runner = build_runner(config("mmdet", "ShiftedObjects", wrapped, metric, folder), work_dir=folder / "w")
    runner.register_hook(PredictionWriter(folder / "out"))
    return runner.test()


def official(tree, file, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(f"{tree}/annotations/instances_val2017.json")
        judged = COCOeval(truth, truth.loadRes(str(file)), kind)
        judged.evaluate(), judged.accumulate(), judged.summarize()
    return judged.stats


@pytest.mark.process
def test_pycocotools_has_the_scores_of_the_metric(tree, tmp_path):
    scores = run_test(tree, tmp_path, dataset(tree))
    out = tmp_path / "out"
    for kind in ("bbox", "segm"):
        stats = official(tree, out / f"results.{kind}.json", kind)
        names = ("mAP", "mAP_50", "mAP_75", "mAP_s", "mAP_m", "mAP_l")
        assert 0.1 < stats[0] < 0.95
        for name, value in zip(names, stats[:6], strict=True):
            assert scores[f"coco/{kind}_{name}"] == pytest.approx(value, abs=5.1e-4), (kind, name)  # three digits
    (log,) = (tmp_path / "w").glob("*/*.log")
    assert (
        f"All objects are in {out / 'results.bbox.json'}, in COCO's form, with the numbers of the cat"
        in log.read_text()
    )
    assert not [path for path in out.iterdir() if is_part(path.name)]


def test_the_entries_are_as_the_server_takes_them(tree, tmp_path):
    run_test(tree, tmp_path, dataset(tree))
    content = json.loads((tree / "annotations/instances_val2017.json").read_text())
    numbers = {category["id"] for category in content["categories"]}
    boxes, masks = (json.loads((tmp_path / f"out/results.{kind}.json").read_text()) for kind in ("bbox", "segm"))
    assert {tuple(one) for one in boxes} == {("image_id", "category_id", "bbox", "score")}
    assert {tuple(one) for one in masks} == {("image_id", "category_id", "score", "segmentation")}
    assert {type(one["image_id"]) for one in boxes} == {int}
    assert {one["category_id"] for one in boxes} <= numbers
    assert max(one["category_id"] for one in boxes) > 6  # train is 7, truck is 8: no class numbers
    assert {type(one["segmentation"]["counts"]) for one in masks} == {str}
    # width and height of the truth, a pixel to the right
    truth = {(one["image_id"], *(round(side, 3) for side in one["bbox"])) for one in content["annotations"]}
    found = {(one["image_id"], *(round(side, 3) for side in (one["bbox"][0] - 1, one["bbox"][1] - 1, *one["bbox"][2:])))
             for one in boxes}  # fmt: skip
    assert len(found & truth) > 0.9 * len(found)
    # the files of the single pictures hold the same objects
    single = [one for path in (tmp_path / "out").glob("0*.json") for one in json.loads(path.read_text())]
    assert Counter((one["image_id"], one["score"]) for one in single) == Counter(
        (b["image_id"], b["score"]) for b in boxes
    )


@pytest.mark.process
@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: {"type": "RepeatDataset", "times": 2, "dataset": one},
        lambda one: {"type": "ConcatDataset", "datasets": [{**one, "indices": [0, 1]}, {**one, "indices": [2, 3]}]},
        lambda one: {"type": "ClassBalancedDataset", "oversample_thr": 0.9, "dataset": {**one, "test_mode": False}},
    ],
    ids=["repeated", "joined", "balanced"],
)
def test_through_wrappers_each_picture_once_with_the_numbers_of_the_annotations(tree, tmp_path, wrap):
    run_test(tree, tmp_path / "plain", dataset(tree))
    run_test(tree, tmp_path / "wrapped", wrap(dataset(tree)))
    for name in ("results.bbox.json", "results.segm.json"):
        plain, wrapped = (json.loads((tmp_path / kind / "out" / name).read_text()) for kind in ("plain", "wrapped"))
        assert sorted(map(str, plain)) == sorted(map(str, wrapped))


class Numbered:
    """A set with numbers of categories, and a pipeline by which it is known as one."""

    def __init__(self, *numbers):
        self.cat_ids = list(numbers) or None
        self.pipeline = type("Pipeline", (), {"transforms": []})


def test_sets_that_number_differently():
    joined = type("Joined", (), {"datasets": [Numbered(1, 2), Numbered(1, 3)]})
    with pytest.raises(MMFanError, match=r"differently, \[1, 2\] and \[1, 3\].*one by one"):
        categories_of(joined)
    assert categories_of(type("Joined", (), {"datasets": [Numbered(1, 9)] * 2})) == [1, 9]
    assert categories_of(Numbered()) is None


def entry(image, score):
    return {"image_id": image, "category_id": 3, "bbox": [0.0, 0.0, 2.0, 2.0], "score": score}


def test_written_whole_and_joined_from_all_processes(tmp_path, monkeypatch):
    first, second = CocoResults(tmp_path), CocoResults(tmp_path)
    first.add(1, "a.png", [entry(1, 0.5), entry(1, 0.25)])
    first.add(3, "c.png", [])
    second.add(2, "b.png", [entry(2, 0.5)])
    second.add(1, "a.png", [entry(1, 0.5), entry(1, 0.25)])  # filled up by the sampler
    assert {is_part(path.name) for path in tmp_path.iterdir()} == {True}
    parts = [{kind: str(part) for kind, (part, _) in one._parts.items()} for one in (first, second)]
    second._parts["bbox"][1].close()
    monkeypatch.setattr("mmfan.apis.outputs.coco_results.all_gather_object", lambda _: parts)
    (file,) = first.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["results.bbox.json"]
    assert json.loads(file.read_text()) == [entry(1, 0.5), entry(1, 0.25), entry(2, 0.5)]


def test_nothing_found_is_an_empty_list(tmp_path):
    results = CocoResults(tmp_path)
    results.add(1, "a.png", [], mask_scores=[])
    assert [path.name for path in results.finish()] == ["results.bbox.json", "results.segm.json"]
    assert [json.loads(path.read_text()) for path in tmp_path.iterdir()] == [[], []]
    with pytest.raises(MMFanError, match=r"Two pictures have the number 1, a\.png and z\.png"):
        results.add(1, "z.png", [])


def test_names_of_results_files_are_theirs(tmp_path):
    with pytest.raises(MMFanError, match="would be written as a results file"):
        PredictionWriter(tmp_path)._name("pictures/results.bbox.png")
