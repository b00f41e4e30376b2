"""A detector from config and checkpoint: its objects, their files, and what a checkpoint that does not fit says."""

import json

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from helpers.tiny_mask_rcnn import SIZE, write_coco_tree, write_detector_checkpoint, write_detector_config
from helpers.tiny_segmentor import write_checkpoint, write_config
from mmengine.config.lazy import LazyObject
from pycocotools import mask as coco_mask

from mmfan.apis import CheckpointError, ConfigError, build_runner, detect, init_model, load_config, predict
from mmfan.apis.accepted_keys import _classes_of
from mmfan.apis.checkpoint import check_classes
from mmfan.apis.detection import is_detector
from mmfan.apis.export.network import check_exportable
from mmfan.apis.inference import predicted_rows
from mmfan.apis.outputs.hooks import PredictionWriter
from mmfan.apis.runner import check_heads
from mmfan.errors import MMFanError
from mmfan.visualization.coco_results import Detections, as_coco_results
from mmfan.visualization.detections import paint_detections

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detector")
    data = write_coco_tree(folder / "data")
    config = write_detector_config(folder / "tiny.py", data)
    return data, config, write_detector_checkpoint(folder / "tiny.pth", config)


@pytest.fixture(scope="module")
def model(trained):
    return init_model(trained[1], trained[2], "cpu")


def test_objects_of_a_picture(trained, model):
    picture = next((trained[0] / "val2017").iterdir())
    found = detect(model, picture)
    count = len(found.scores)
    assert is_detector(model)
    assert 1 <= count <= 5
    assert found.boxes.shape == (count, 4)
    assert found.masks.shape == (count, *SIZE)
    assert found.masks.dtype == bool
    assert (np.diff(found.scores) <= 0).all()
    middle = float(found.scores[count // 2])
    assert len(detect(model, cv2.imread(str(picture)), middle).scores) == (found.scores >= middle).sum()
    assert len(detect(model, picture, 1.0).boxes) == 0
    with pytest.raises(ValueError, match=r"gives no label map: of detectors use mmfan\.apis\.detect"):
        predict(model, picture)
    with pytest.raises(ConfigError, match=r"is a detector's; its predictions are drawn by `mmfan infer`"):
        predicted_rows(model, 1)


def test_results_in_the_form_of_coco():
    masks = np.zeros((1, 6, 8), bool)
    masks[0, 1:3, 2:5] = True
    found = Detections(np.array([[2, 1, 5, 3]], np.float32), np.array([0.5]), np.array([1]), masks)
    (entry,) = as_coco_results(found, 7, categories=[1, 44])
    rle = entry.pop("segmentation")
    assert entry == {"image_id": 7, "category_id": 44, "bbox": [2, 1, 3, 2], "score": 0.5}
    assert np.array_equal(coco_mask.decode(rle), masks[0])
    (named,) = as_coco_results(found, 7, names=["cat", "dog"])
    assert (named["category_id"], named["category_name"]) == (1, "dog")
    (plain,) = as_coco_results(found._replace(masks=None), "a")
    assert plain == {"image_id": "a", "category_id": 1, "bbox": [2, 1, 3, 2], "score": 0.5}


def test_small_pictures_are_enlarged():
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0), np.zeros(0, int), None)
    for side, scale in ((100, 4), (240, 2), (479, 2), (480, 1), (2000, 1)):
        painted = paint_detections(np.zeros((side, side + 10, 3), np.uint8), nothing, {"classes": ["a"]})
        assert painted.shape == (side * scale, (side + 10) * scale, 3)


@pytest.mark.process
def test_writer_and_score_of_a_test_run(trained, tmp_path):
    _, config, checkpoint = trained
    runner = build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=checkpoint)
    runner.register_hook(PredictionWriter(tmp_path / "out", tmp_path / "show", threshold=0.0))
    scores = runner.test()
    assert {"coco/bbox_mAP", "coco/segm_mAP"} <= set(scores)
    names = ["000001000001", "000001000002"]
    files = [*(f"{name}.json" for name in names), "results.bbox.json", "results.segm.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    entries = json.loads((tmp_path / "out" / f"{names[0]}.json").read_text())
    assert {entry["image_id"] for entry in entries} == {1000001}
    assert {entry["category_id"] for entry in entries} <= {1, 2, 3, 4, 6, 7, 8}
    assert cv2.imread(str(tmp_path / "show" / f"{names[1]}.png")).shape == (SIZE[0] * 4, SIZE[1] * 4, 3)


@pytest.mark.process
def test_the_classes_of_the_checkpoint_are_those_of_the_set(trained, tmp_path):
    _, config, checkpoint = trained
    content = torch.load(checkpoint, weights_only=False)
    classes = content["meta"]["dataset_meta"]["classes"]
    check_classes(content, classes, "x.pth")
    check_classes({"state_dict": {}}, classes, "x.pth")
    content["meta"]["dataset_meta"]["classes"] = ["cell", *classes[1:]]
    torch.save(content, tmp_path / "other.pth")
    runner = build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"was trained for 7 classes \(cell, bicycle.*has 7 \(person, bicycle"):
        runner.test()


def test_a_checkpoint_for_other_categories(trained, tmp_path):
    data, _, checkpoint = trained
    heads = 'model["roi_head"]["bbox_head"]["num_classes"] = model["roi_head"]["mask_head"]["num_classes"] = 3'
    config = write_detector_config(tmp_path / "three.py", data, heads)
    with pytest.raises(CheckpointError, match=r"of another shape: roi_head.*It was trained for 7 classes: person"):
        init_model(config, checkpoint, "cpu")


def test_a_segmentation_config_with_a_detector_and_the_other_way_round(trained, tmp_path):
    pytest.importorskip("mmseg")
    _, detector, weights = trained
    segmentor = write_config(tmp_path / "seg.py", tmp_path / "data")
    message = (
        r"holds backbone, neck, roi_head, rpn_head; the model is made of backbone, decode_head\. It was trained for 7"
    )
    with pytest.raises(CheckpointError, match=message):
        init_model(segmentor, weights, "cpu")
    other = write_checkpoint(tmp_path / "seg.pth", segmentor)
    with pytest.raises(CheckpointError, match="holds backbone, decode_head; the model is made of backbone, neck, roi"):
        init_model(detector, other, "cpu")


@pytest.mark.process
def test_heads_for_another_number_of_classes(trained, tmp_path):
    data, _, checkpoint = trained
    config = write_detector_config(tmp_path / "three.py", data, 'model["roi_head"]["bbox_head"]["num_classes"] = 3')
    message = r"num_classes=7 in the heads, one for each class of the dataset, but roi_head\.bbox_head has 3\. Set"
    with pytest.raises(ConfigError, match=message):
        build_runner(load_config(config), work_dir=tmp_path / "w").train()
    with pytest.raises(ConfigError, match=message):
        build_runner(load_config(config), work_dir=tmp_path / "w", checkpoint=checkpoint).test()


def in_pure_python(cfg):
    """The config with classes for types and without a scope."""

    def change(part):
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            change(inner)
        if isinstance(part, dict) and isinstance(part.get("type"), str):
            found = [kind for kind in _classes_of(part["type"], "mmdet") if isinstance(kind, type)]
            part["type"] = LazyObject(found[0].__module__, found[0].__qualname__) if found else part["type"]

    change(cfg._cfg_dict)
    cfg.default_scope = None
    return cfg


@pytest.mark.process
def test_a_config_in_pure_python_is_a_detectors_too(trained, tmp_path):
    data, config, checkpoint = trained
    cfg = in_pure_python(load_config(config))
    assert isinstance(cfg.model.type, type)
    model = init_model(cfg, checkpoint, "cpu")
    assert is_detector(model)
    assert len(detect(model, next((data / "val2017").iterdir())).scores)
    with pytest.raises(ConfigError, match="is a detector's; its predictions"):
        predicted_rows(model, 1)
    with pytest.raises(MMFanError, match="is a detector, and mmfan exports segmentors alone"):
        check_exportable(model)
    content = torch.load(checkpoint, weights_only=False)
    classes = content["meta"]["dataset_meta"].pop("classes")
    assert init_model(cfg, None, "cpu").dataset_meta["classes"] == classes
    content["meta"]["dataset_meta"]["classes"] = ["cell", *classes[1:]]
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"was trained for 7 classes \(cell, bicycle"):
        build_runner(cfg, work_dir=tmp_path / "w", checkpoint=tmp_path / "other.pth").test()
    cfg.model.roi_head.bbox_head.num_classes = 3
    with pytest.raises(ConfigError, match=r"num_classes=7 in the heads.* roi_head\.bbox_head has 3\. Set"):
        build_runner(cfg, work_dir=tmp_path / "w").train()


class Head(torch.nn.Module):
    """As those of mmdetection that classify."""

    __module__ = "mmdet.models.head"
    predict_by_feat = None

    def __init__(self, count):
        super().__init__()
        self.num_classes = count


def test_heads_of_regions_tell_things_and_proposals_nothing():
    """FCOS proposes regions with one class; Panoptic FPN has 80 things among 133 classes, and regions are of things."""
    model = torch.nn.Module()
    model.rpn_head, model.roi_head = Head(1), torch.nn.Module()
    model.roi_head.bbox_head = Head(80)
    check_heads(model, 80)
    check_heads(model, 133, 80)
    with pytest.raises(ConfigError, match=r"num_classes=133 in the heads, .* roi_head\.bbox_head has 80\. Set"):
        check_heads(model, 133)
    model.panoptic_head = Head(80)
    with pytest.raises(ConfigError, match=r"num_classes=133 in the heads, .* panoptic_head has 80\. Set"):
        check_heads(model, 133, 80)


@pytest.mark.process
def test_open_vocabulary_sets_ask_for_no_classes(trained, tmp_path):
    data, _, _ = trained
    more = """
model["roi_head"]["bbox_head"]["num_classes"] = 3
test_dataloader["dataset"]["return_classes"] = True
"""
    config = write_detector_config(tmp_path / "open.py", data, more)
    runner = build_runner(load_config(config), work_dir=tmp_path / "w")
    runner.test_loop  # noqa: B018 - built when it is asked for
