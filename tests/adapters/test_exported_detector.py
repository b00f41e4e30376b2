"""Exported detectors: outputs of every form, sizes and masks, and a small network in ONNX Runtime and OpenVINO."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmfan import CocoData, judge
from mmfan.adapters import OnnxDetector, OpenVinoDetector, Preprocessing
from mmfan.errors import MMFanError

CLASSES = ["cat", "dog", "car"]
BOXES = np.array([[2, 3, 20, 30], [5, 6, 9, 8]], np.float32)
SCORES, LABELS = np.array([0.9, 0.25], np.float32), np.array([2, 0])


class Session:
    """Returns what it is told to, by name; of the form of ``onnxruntime.InferenceSession``."""

    def __init__(self, outputs, shape=("n", 3, "h", "w"), kind="tensor(float)"):
        self.outputs, self.shape, self.kind, self.seen = outputs, list(shape), kind, []

    def get_inputs(self):
        return [SimpleNamespace(name="x", shape=self.shape, type=self.kind)]

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in self.outputs]

    def run(self, names, feed):
        self.seen.append(feed["x"])
        return [self.outputs[name] for name in names]


def picture(height=40, width=60):
    return np.full((height, width, 3), 100, np.uint8)


def found_by(outputs, more=None, **session):
    return OnnxDetector(Session(outputs, **session), CLASSES, **(more or {}))(picture())


def check(found, boxes=BOXES):
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-4)
    np.testing.assert_allclose(found.scores, SCORES)
    assert found.labels.tolist() == LABELS.tolist()


DETS = np.concatenate((BOXES, SCORES[:, None]), 1)
ROWS = np.concatenate((DETS, LABELS[:, None]), 1)
WIDE = np.array([[2, 3, 18, 27], [5, 6, 4, 2]], np.float32)
MIDDLE = np.array([[11, 16.5, 18, 27], [7, 7, 4, 2]], np.float32)


@pytest.mark.parametrize(
    ("outputs", "more"),
    [
        ({"boxes": BOXES, "labels": LABELS, "scores": SCORES}, {}),  # torchvision
        ({"dets": DETS[None], "labels": LABELS[None]}, {}),  # MMDeploy
        ({"output0": ROWS[None]}, {}),  # an export that ends with its own suppression
        ({"anything": ROWS}, {}),
        (
            {"a": BOXES[None], "b": SCORES[None], "c": LABELS[None]},
            {"outputs": {"boxes": "a", "scores": "b", "labels": "c"}},
        ),
        ({"boxes": WIDE, "labels": LABELS, "scores": SCORES}, {"form": "xywh"}),
        ({"boxes": MIDDLE, "labels": LABELS, "scores": SCORES}, {"form": "cxcywh"}),
        ({"boxes": BOXES / [60, 40, 60, 40], "labels": LABELS, "scores": SCORES}, {"relative": True}),
    ],
)
def test_forms(outputs, more):
    check(found_by(outputs, more))


def test_boxes_come_back_from_the_size_of_the_input():
    """20 x 15 pixels of the network stand for 40 x 60 of the picture."""
    outputs = {"boxes": BOXES / [4, 2, 4, 2], "labels": LABELS, "scores": SCORES}
    session = Session(outputs, shape=(1, 3, 20, 15))
    check(OnnxDetector(session, CLASSES)(picture()))
    assert session.seen[0].shape == (1, 3, 20, 15)


def test_shares_of_a_padded_input():
    """Padded to 64 x 64: 2 of 64, not of 60."""
    outputs = {"boxes": BOXES / 64, "labels": LABELS, "scores": SCORES}
    check(OnnxDetector(Session(outputs), CLASSES, Preprocessing(divisor=32), relative=True)(picture()))


def test_one_picture_without_a_batch():
    session = Session({"boxes": BOXES, "labels": LABELS, "scores": SCORES}, shape=(3, "h", "w"))
    first, second = OnnxDetector(session, CLASSES)([picture(), picture(30, 20)])
    check(first)
    check(second)
    assert [one.shape for one in session.seen] == [(3, 40, 60), (3, 30, 20)]


def test_rows_that_fill_up():
    rows = np.concatenate((ROWS, [[0, 0, 0, 0, 0, 0], [1, 1, 2, 2, 0.5, -1]]), 0)
    check(found_by({"output0": rows}))


@pytest.mark.parametrize("axes", [(2, 40, 60), (2, 1, 40, 60), (1, 2, 40, 60)])
def test_masks(axes):
    masks = np.zeros((2, 40, 60), np.float32)
    masks[0, 3:30, 2:20], masks[1, 6:8, 5:9] = 0.8, 0.4
    found = found_by({"boxes": BOXES, "labels": LABELS, "scores": SCORES, "masks": masks.reshape(axes)})
    assert found.masks.shape == (2, 40, 60)
    assert [int(mask.sum()) for mask in found.masks] == [27 * 18, 0]


def test_masks_of_another_size():
    masks = np.zeros((2, 20, 30), np.float32)
    masks[0, 5:15, 5:15] = 1
    outputs = {"boxes": BOXES, "labels": LABELS, "scores": SCORES, "masks": masks}
    found = OnnxDetector(Session(outputs, shape=(1, 3, 20, 30)), CLASSES)(picture())
    assert found.masks[0, 20, 20]
    assert abs(int(found.masks[0].sum()) - 400) <= 80


def test_classes_by_name():
    outputs = {"boxes": BOXES, "labels": LABELS, "scores": SCORES}
    found = OnnxDetector(Session(outputs), ["car"], classes=["dog", "cat", "car"])(picture())
    assert found.labels.tolist() == [0]
    assert found.scores.tolist() == pytest.approx([0.9])


@pytest.mark.parametrize(
    ("outputs", "more", "words"),
    [
        ({"a": BOXES, "b": LABELS}, {}, "got no boxes; the network has 'a', 'b'"),
        ({"boxes": BOXES}, {"outputs": {"boxes": "dets"}}, "got boxes: dets"),
        ({"boxes": BOXES}, {"form": "yxyx"}, "one of xyxy, xywh, cxcywh, got 'yxyx'"),
        ({"boxes": BOXES, "labels": LABELS}, {}, "boxes of 5 numbers (left, top, right, bottom, score), got (2, 4)"),
        ({"boxes": BOXES, "labels": LABELS, "scores": SCORES[:1]}, {}, "got boxes (2, 4), scores (1,), labels (2,)"),
        ({"boxes": BOXES[0], "labels": LABELS, "scores": SCORES}, {}, "Expected boxes (N, 4)"),
        (
            {"boxes": BOXES, "labels": LABELS, "scores": SCORES, "masks": np.zeros((2, 5, 5), np.float32)}, {},
            "masks in the size of the input, 40 x 60",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit(outputs, more, words):
    with pytest.raises(MMFanError) as error:
        found_by(outputs, more)
    assert words in str(error.value)


@pytest.mark.parametrize("engine", [("onnxruntime", OnnxDetector), ("openvino", OpenVinoDetector)], ids=str)
def test_a_network_is_judged(engine, tmp_path):
    """It says of each picture that its left half is a car: so the truth has it in one picture of two."""
    pytest.importorskip("onnx")
    pytest.importorskip(engine[0])
    from helpers.small_onnx import write_detector, write_objects

    folder = write_objects(tmp_path)
    data = CocoData(folder / "images", folder / "objects.json")
    predict = engine[1](write_detector(tmp_path / "halves.onnx"), data, Preprocessing(white=255), classes=CLASSES)
    found = predict(np.zeros((40, 60, 3), np.uint8))
    assert found.boxes.tolist() == [[0, 0, 30, 40]]
    assert (found.labels.tolist(), found.scores.tolist()) == ([data.classes.index("car")], [0.5])
    protocol = {"corruptions": ["brightness"], "severities": [1]}
    result = judge(predict, data, protocol, workers=0, verbose=False)
    # first a car, then none: precision 1 up to a recall of 1/2, at 51 of 101 recalls
    assert result.clean == pytest.approx(51 / 101)
    assert result.corrupted == pytest.approx(51 / 101)
