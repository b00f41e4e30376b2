"""Objects in supervision's form: by hand, and there and back with the package where it is installed."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmfan.adapters import from_supervision, to_supervision
from mmfan.errors import MMFanError
from mmfan.visualization.coco_results import Detections


def detections(**more):
    parts = {
        "xyxy": np.array([[0, 1, 5, 6], [1, 1, 2, 2]]), "confidence": np.array([0.75, 0.5]),
        "class_id": np.array([1, 0]), "mask": np.ones((2, 4, 6), bool), **more,
    }  # fmt: skip
    return SimpleNamespace(**parts)


def test_by_number_and_by_name():
    found = from_supervision(detections(), ["person", "car"])
    assert found.boxes.tolist() == [[0, 1, 5, 6], [1, 1, 2, 2]]
    assert found.scores.tolist() == [0.75, 0.5]
    assert found.labels.tolist() == [1, 0]
    assert found.masks.shape == (2, 4, 6)
    found = from_supervision(detections(mask=None), ["person"], classes=["kite", "Person"])
    assert found.boxes.tolist() == [[0, 1, 5, 6]]
    assert found.labels.tolist() == [0]
    assert found.masks is None


def test_nothing_found():
    empty = detections(xyxy=np.empty((0, 4)), confidence=None, class_id=None, mask=None)
    found = from_supervision(empty, ["person"])
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)


@pytest.mark.parametrize("part", ["confidence", "class_id"])
def test_what_lacks(part):
    with pytest.raises(MMFanError, match=f"got no `{part}`"):
        from_supervision(detections(**{part: None}), ["person", "car"])


def test_there_and_back():
    pytest.importorskip("supervision")
    own = Detections(
        np.array([[0, 1, 5, 6], [1, 1, 2, 2]], np.float32), np.array([0.75, 0.5], np.float32), np.array([1, 0]),
        np.eye(4, dtype=bool)[None].repeat(2, 0),
    )  # fmt: skip
    other = to_supervision(own, ["person", "car"])
    assert other.data["class_name"].tolist() == ["car", "person"]
    assert other[other.class_id == 1].xyxy.tolist() == [[0, 1, 5, 6]]
    back = from_supervision(other, ["person", "car"])
    for one, two in zip(own, back, strict=True):
        assert (one == two).all()
    bare = to_supervision(own._replace(masks=None), ["person", "car"])
    assert bare.mask is None
    import supervision

    assert from_supervision(supervision.Detections.empty(), ["person"]).boxes.shape == (0, 4)
