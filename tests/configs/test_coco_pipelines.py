"""The COCO configs on a COCO-shaped tree: all 80 categories, pictures as large as the detectors are to see them."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mmdet")
from helpers.tiny_mask_rcnn import write_coco_tree
from mmdet.datasets import CocoDataset as MMDetCoco
from mmengine.registry import DATASETS, DefaultScope

from mmfan.apis import load_config

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "configs"
CASCADE, DINO = "fan_cascade_mask_rcnn_coco", "fan-s-hybrid_dino-4scale_8xb2-36e_coco"
SHORTS = range(480, 801, 32)


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """Drawn scenes under the names and numbers of COCO: its 80 categories in their order, ids with gaps."""
    root = write_coco_tree(tmp_path_factory.mktemp("coco"))
    for file in (root / "annotations").iterdir():
        content = json.loads(file.read_text())
        ids = {name: 2 * place + 1 for place, name in enumerate(MMDetCoco.METAINFO["classes"])}
        names = {category["id"]: category["name"] for category in content["categories"]}
        for annotation in content["annotations"]:
            annotation["category_id"] = ids[names[annotation["category_id"]]]
        content["categories"] = [{"id": number, "name": name} for name, number in ids.items()]
        # train2017 has such boxes: one without height, one over the edge
        first, second = (one["bbox"] for one in content["annotations"][:2])
        first[3], second[2] = 0.0, 1000.0
        file.write_text(json.dumps(content))
    return root


def dataset(config, part, root):
    cfg = copy.deepcopy(load_config(FOLDER / f"{config}.py")[f"{part}_dataloader"].dataset)
    cfg.data_root = str(root)
    with DefaultScope.overwrite_default_scope("mmdet"):
        return DATASETS.build(cfg)


@pytest.mark.parametrize("config", [CASCADE, DINO])
def test_pictures_to_learn_from(config, coco):
    data = dataset(config, "train", coco)
    assert len(data.metainfo["classes"]) == 80
    np.random.seed(0)
    shapes = set()
    for place in range(8):
        sample = data[place % len(data)]
        objects, shape = sample["data_samples"].gt_instances, sample["inputs"].shape[1:]
        shapes.add(tuple(shape))
        assert min(shape) in SHORTS or max(shape) == 1333
        assert max(shape) <= 1333
        boxes = objects.bboxes.tensor.numpy()
        assert len(boxes) == len(objects.labels)
        assert ((boxes >= 0) & (boxes <= [shape[1], shape[0], shape[1], shape[0]])).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        if config == CASCADE:
            assert objects.masks.masks.shape == (len(boxes), *shape)
        named = {data.metainfo["classes"][label] for label in objects.labels.tolist()}
        assert named <= {"person", "bicycle", "car", "motorcycle", "bus", "train", "truck"}
    assert len(shapes) > 3


@pytest.mark.parametrize("config", [CASCADE, DINO])
def test_pictures_to_test_on_have_one_size(config, coco):
    sample = dataset(config, "test", coco)[0]
    assert sample["inputs"].shape[1:] == (667, 1333)  # 64 x 128, the long side to 1333
    assert sample["data_samples"].ori_shape == (64, 128)
