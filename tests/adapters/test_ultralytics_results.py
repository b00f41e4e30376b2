"""Results of Ultralytics' documented form, as tensors and as arrays; the package's own where it is installed."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.torchvision_beside import import_torchvision

from mmfan import CocoData
from mmfan.adapters import UltralyticsDetector, from_ultralytics
from mmfan.datasets.miniature import write_coco
from mmfan.errors import MMFanError

NAMES = {0: "person", 1: "kite", 2: "car"}
SHAPE = (20, 30)


def result(as_form=np.asarray, masks=True, count=3, shape=SHAPE):
    boxes = np.array([[0, 1, 5, 6], [1, 1, 2, 2], [3, 3, 9, 8]], np.float32)[:count]
    drawn = np.zeros((count, *shape), np.float32)
    drawn[:, 2, :4] = 1
    return SimpleNamespace(
        names=NAMES, orig_shape=SHAPE,
        boxes=SimpleNamespace(xyxy=as_form(boxes), conf=as_form(np.array([0.75, 0.5, 0.25], np.float32)[:count]),
                              cls=as_form(np.array([2, 1, 0], np.float32)[:count])),
        masks=SimpleNamespace(data=as_form(drawn)) if masks and count else None,
    )  # fmt: skip


def check(found):
    assert found.boxes.tolist() == [[0, 1, 5, 6], [3, 3, 9, 8]]
    assert found.scores.tolist() == [0.75, 0.25]
    assert found.labels.tolist() == [1, 0]
    assert found.labels.dtype == np.int64


def test_arrays():
    found = from_ultralytics(result(), ["person", "car"])
    check(found)
    assert found.masks.shape == (2, *SHAPE)
    assert found.masks.dtype == bool
    assert found.masks.sum() == 8
    assert from_ultralytics(result(masks=False), ["person", "car"]).masks is None


def test_tensors():
    torch = pytest.importorskip("torch")
    check(from_ultralytics(result(lambda array: torch.from_numpy(array).half().requires_grad_()), ["person", "car"]))


def test_nothing_found():
    found = from_ultralytics(result(count=0), ["person", "car"])
    assert found.boxes.shape == (0, 4)
    assert found.masks.shape == (0, *SHAPE)


def test_what_does_not_fit():
    with pytest.raises(MMFanError, match="1 class of 2 in the data, dog, not among those of the model: person, kite"):
        from_ultralytics(result(), ["person", "dog"])
    with pytest.raises(MMFanError, match=r"size \(20, 30\), got \(10, 15\): predict with retina_masks=True"):
        from_ultralytics(result(shape=(10, 15)), ["person"])
    with pytest.raises(MMFanError, match="no `boxes`"):
        from_ultralytics(SimpleNamespace(names=NAMES, boxes=None), ["person"])


class Yolo:
    """Of the form of ``ultralytics.YOLO``."""

    names = NAMES

    def __init__(self):
        self.calls = []

    def predict(self, pictures, **settings):
        self.calls.append((pictures, settings))
        return [result() for _ in pictures]


def test_a_model():
    model = Yolo()
    predict = UltralyticsDetector(model, ["person", "vehicle"], rename={"car": "vehicle"}, imgsz=64, conf=0.1)
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    rgb[..., 0] = 7
    check(predict(rgb))
    assert len(predict([rgb, rgb])) == 2
    (pictures, settings), _ = model.calls
    assert settings == {"conf": 0.1, "verbose": False, "retina_masks": False, "imgsz": 64}
    assert pictures[0][0, 0].tolist() == [0, 0, 7]  # blue first


def test_masks_are_asked_for_where_they_are_scored(tmp_path):
    write_coco(tmp_path, train=1, val=1, size=(64, 64), workers=1)
    data = CocoData(tmp_path / "val2017", tmp_path / "annotations/instances_val2017.json", masks=True)
    model = Yolo()
    model.names = list(data.classes)
    assert UltralyticsDetector(model, data).settings["retina_masks"] is True
    assert UltralyticsDetector(model, data).settings["conf"] == 0.001


def test_the_package_itself():
    torch = pytest.importorskip("torch")
    import_torchvision()
    pytest.importorskip("ultralytics")
    from ultralytics.engine.results import Results

    own = Results(
        orig_img=np.zeros((*SHAPE, 3), np.uint8), path="a.png", names=NAMES,
        boxes=torch.tensor([[0, 1, 5, 6, 0.75, 2], [1, 1, 2, 2, 0.5, 1], [3, 3, 9, 8, 0.25, 0.0]]),
        masks=torch.ones(3, *SHAPE),
    )  # fmt: skip
    for form in (own, own.numpy()):
        found = from_ultralytics(form, ["person", "car"])
        check(found)
        assert found.masks.all()
        assert found.masks.shape == (2, *SHAPE)
