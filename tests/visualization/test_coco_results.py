"""Objects in COCO's form, worked out by hand."""

import numpy as np
import pytest

from mmfan.visualization.coco_results import Detections, as_coco_results

BOXES = np.array([[1.0, 2.0, 4.5, 8.0], [0.0, 0.0, 3.0, 2.0]], np.float32)
SCORES, LABELS = np.array([0.75, 0.25], np.float32), np.array([1, 0])


def test_boxes_are_left_top_width_height():
    found = Detections(BOXES, SCORES, LABELS, None)
    assert as_coco_results(found, 7) == [
        {"image_id": 7, "category_id": 1, "bbox": [1.0, 2.0, 3.5, 6.0], "score": 0.75},
        {"image_id": 7, "category_id": 0, "bbox": [0.0, 0.0, 3.0, 2.0], "score": 0.25},
    ]


def test_numbers_and_names_of_the_set_and_masks_by_columns():
    """Run lengths go down the columns and begin with those outside: 2 rows, 3 columns."""
    coco = pytest.importorskip("pycocotools.mask")
    masks = np.array([[[0, 1, 1], [1, 1, 0]], [[1, 0, 0], [0, 0, 0]]], bool)
    first, second = as_coco_results(
        Detections(BOXES, SCORES, LABELS, masks), "a.png", categories=[11, 24], names=["person", "car"]
    )
    assert (first["category_id"], first["category_name"]) == (24, "car")
    assert (second["category_id"], second["category_name"]) == (11, "person")
    assert first["segmentation"]["size"] == [2, 3]
    assert type(first["segmentation"]["counts"]) is str
    uncompressed = coco.frPyObjects({"size": [2, 3], "counts": [1, 4, 1]}, 2, 3)
    assert first["segmentation"]["counts"] == uncompressed["counts"].decode()
    assert coco.decode(second["segmentation"]).tolist() == [[1, 0, 0], [0, 0, 0]]


def test_no_objects():
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), None)
    assert as_coco_results(none, 1) == []
