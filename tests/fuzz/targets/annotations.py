"""Annotation files in COCO's form: values of other types, ids, boxes, polygons and run lengths that cannot be."""

import json
import random

import numpy as np
import torch
from helpers.kinds_of_pictures import scene
from mmdet.registry import DATASETS
from mmdet.utils import register_all_modules
from pycocotools import mask as coco_mask

from fuzz.mutations import FLOATS, NUMBERS, json_bytes, mutate_json
from mmfan.datasets.coco_annotations import broken_boxes, check_scored, clip_boxes, narrow_boxes, read_annotations
from mmfan.evaluation.metrics.detection import CocoScoresMetric

ROWS, COLUMNS = 64, 96
CLASSES = ("box", "disc")


def rectangle(x, y, w, h):
    """A polygon."""
    return [x, y, x + w, y, x + w, y + h, x, y + h]


def valid_content():
    """Three pictures, six objects: polygons, run lengths plain and packed, a crowd."""
    plain = {"size": [ROWS, COLUMNS], "counts": [100, 20, 44, 20, ROWS * COLUMNS - 184]}
    packed = coco_mask.frPyObjects(plain, ROWS, COLUMNS)
    packed = {"size": [ROWS, COLUMNS], "counts": packed["counts"].decode()}
    masks = [[rectangle(5, 6, 30, 20)], [rectangle(0, 0, 12, 9), rectangle(20, 9, 9, 9)], plain, packed, [], None]
    annotations = []
    for number, mask in enumerate(masks, 1):
        box = [4 + number, 5, 30, 20 + number]
        entry = {
            "id": number, "image_id": (number + 1) // 2, "category_id": 1 + number % 2, "bbox": box,
            "area": box[2] * box[3], "iscrowd": int(number == 3), "segmentation": mask,
        }  # fmt: skip
        if mask is None:
            del entry["segmentation"]
        annotations.append(entry)
    images = [{"id": at, "file_name": f"{at}.png", "width": COLUMNS, "height": ROWS} for at in (1, 2, 3)]
    return {
        "info": {"description": "made up"}, "licenses": [], "images": images, "annotations": annotations,
        "categories": [{"id": 1, "name": "box"}, {"id": 2, "name": "disc", "supercategory": "round"}],
    }  # fmt: skip


def aimed(rng: random.Random, content):
    """A change of what is particular to annotations: a coordinate, a size, a run, a reference."""
    entry = rng.choice(content["annotations"])
    odd = rng.choice((*NUMBERS, *FLOATS, 3e9, -3e9, 64, 96, 97, 63.5, 1e-9, None, "5", True, [1]))
    kind = rng.randrange(8)
    if kind == 0:
        entry["bbox"][rng.randrange(4)] = odd
    elif kind == 1 and isinstance(entry.get("segmentation"), list) and entry["segmentation"]:
        polygon = rng.choice(entry["segmentation"])
        if isinstance(polygon, list) and polygon:
            polygon[rng.randrange(len(polygon))] = odd
    elif kind == 2:
        entry["segmentation"] = rng.choice((
            {"size": [ROWS, COLUMNS], "counts": rng.choice(("", "0", "a" * 50, "é", [odd], [ROWS * COLUMNS, 1]))},
            {"size": rng.choice(([COLUMNS, ROWS], [odd, odd], [], "64", [ROWS])), "counts": [ROWS * COLUMNS]},
            {"counts": [1]}, [[]], [[1, 2]], [[1, 2, 3, 4, 5]], [rectangle(1, 1, 5, 5), odd],
            [rectangle(0, 0, 0, 0)], odd,
        ))  # fmt: skip
    elif kind == 3:
        rng.choice(content["images"])[rng.choice(("width", "height", "id", "file_name"))] = odd
    elif kind == 4:
        entry[rng.choice(("id", "image_id", "category_id", "area", "iscrowd"))] = odd
    elif kind == 5:
        content["categories"][rng.randrange(2)][rng.choice(("id", "name"))] = odd
    elif kind == 6:
        content[rng.choice(("images", "annotations", "categories"))].reverse()
    else:
        content["annotations"] += content["annotations"][: rng.randrange(3)]
    return content


class Target:
    """``instances.json`` beside three pictures."""

    def __init__(self):
        register_all_modules(init_default_scope=False)
        self.picture = scene("PNG")

    def make(self, rng, folder):
        content = valid_content()
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            content = aimed(rng, content)
        if rng.random() < 0.6:
            content = mutate_json(rng, content)
        (folder / "instances.json").write_bytes(json_bytes(rng, content))
        (folder / "pictures").mkdir()
        for at in (1, 2, 3):
            (folder / "pictures" / f"{at}.png").write_bytes(self.picture)

    def doors(self, folder):
        path = folder / "instances.json"
        yield "read", lambda: self._read(str(path))
        yield "metric", lambda: self._score(str(path))
        for broken in ("error", "clip"):
            for masks in (False, True):
                yield f"dataset, {broken}", lambda broken=broken, masks=masks: self._load(folder, broken, masks)

    def _read(self, path):
        content = read_annotations(path)
        broken_boxes(content)
        narrow_boxes(content, path)
        clip_boxes(content)
        check_scored(content, path, masks=True)
        json.dumps(content)

    def _load(self, folder, broken, masks):
        if masks:  # where some objects have none, the preflight of a judging refuses to ask for them
            check_scored(read_annotations(str(folder / "instances.json")), "instances.json", masks=True)
        dataset = DATASETS.build({
            "type": "mmfan.CocoDataset", "_scope_": "mmdet", "data_root": str(folder), "ann_file": "instances.json",
            "data_prefix": {"img": "pictures/"}, "metainfo": {"classes": CLASSES}, "broken_boxes": broken,
            "test_mode": True,
            "pipeline": [
                {"type": "mmfan.LoadImageFromFile"},
                {"type": "mmdet.LoadAnnotations", "with_bbox": True, "with_mask": masks},
                {"type": "mmdet.PackDetInputs", "meta_keys": ("img_id", "img_path", "ori_shape", "img_shape")},
            ],
        })  # fmt: skip
        for at in range(len(dataset)):
            dataset[at]

    def _score(self, path):
        metric = CocoScoresMetric(metric="bbox", ann_file=path)
        metric.dataset_meta = {"classes": CLASSES}
        found = {"bboxes": np.float32([[5, 5, 35, 26]]), "scores": np.float32([0.9]), "labels": np.int64([0])}
        for number in (1, 2, 3):
            sample = {
                "img_id": number, "ori_shape": (ROWS, COLUMNS),
                "pred_instances": {name: torch.from_numpy(value) for name, value in found.items()},
            }  # fmt: skip
            metric.process({}, [sample])
        metric.scores(metric.results)
