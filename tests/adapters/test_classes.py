"""Classes of a model beside those of the data, by their names."""

import numpy as np
import pytest

from mmfan import SegmentationData
from mmfan.adapters import ClassFit
from mmfan.errors import MMFanError
from mmfan.visualization.coco_results import Detections

WANTED = ["road", "traffic light", "car"]


def objects(labels):
    count = len(labels)
    boxes = np.arange(4 * count, dtype=np.float32).reshape(count, 4)
    return Detections(
        boxes, np.linspace(0, 1, count, dtype=np.float32), np.array(labels), np.zeros((count, 2, 2), bool)
    )


def test_names_decide_whatever_their_spelling():
    fit = ClassFit(WANTED, ["Car", "sky", "traffic_light", "road"])
    assert fit.count == 4
    labels = fit.labels(np.array([[0, 1], [2, 3]], np.uint8))
    assert labels.tolist() == [[2, 255], [1, 0]]


def test_a_dict_may_leave_numbers_out():
    fit = ClassFit(WANTED, {1: "road", 7: "car", "9": "traffic-light"})
    assert fit.count == 10
    found = fit.objects(objects([7, 1, 3, 9]))
    assert found.labels.tolist() == [2, 0, 1]
    assert found.boxes[:, 0].tolist() == [0, 4, 12]
    assert found.scores.tolist() == pytest.approx([0, 1 / 3, 1])
    assert found.masks.shape == (3, 2, 2)


def test_several_classes_become_one():
    fit = ClassFit(["vehicle"], ["car", "truck", "tree"], {"car": "vehicle", "truck": "vehicle"})
    assert fit.labels(np.array([[0, 1, 2]])).tolist() == [[0, 0, 255]]


def test_without_names_numbers_are_left():
    fit = ClassFit(WANTED)
    labels = np.array([[0, 9]])
    assert fit.labels(labels) is labels
    found = objects([5])
    assert fit.objects(found) is found


def test_what_the_model_does_not_say_stays_unsaid():
    picture, truth = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    data = SegmentationData([(picture, truth, "a.png")], classes=WANTED, ignore_index=200)
    fit = ClassFit(data, [*WANTED, "sky"])
    assert fit.labels(np.array([[3, 200, 1]])).tolist() == [[200, 200, 1]]
    with pytest.raises(MMFanError, match="from 0 to 3, got 201"):
        fit.labels(np.array([[201]]))
    with pytest.raises(MMFanError, match="from 0 to 3, got -1 to 4"):
        fit.objects(objects([4, -1]))


def test_an_ignore_index_that_is_a_class_cannot_stand_for_nothing():
    picture, truth = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    data = SegmentationData([(picture, truth, "a.png")], classes=WANTED, ignore_index=0)
    fit = ClassFit(data, [*WANTED, "sky"])
    assert fit.labels(np.array([[2]])).tolist() == [[2]]
    with pytest.raises(MMFanError, match=r"`ignore_index` \(0\), which would stand for them, is a class"):
        fit.labels(np.array([[3]]))


@pytest.mark.parametrize(
    ("classes", "rename", "words"),
    [
        (
            ["road", "person"],
            None,
            "2 classes of 3 in the data, traffic light, car, not among those of the model: road",
        ),
        (WANTED, {"rod": "road"}, "'rod', no class of the model. Did you mean 'road'"),
        (WANTED, {"road": "rood"}, "makes 'road' 'rood', no class of the data. Did you mean 'road'"),
        (None, {"road": "road"}, "`rename` needs `classes`"),
        ([], None, "Expected `classes` to be names"),
        ({0: 3}, None, "Expected `classes` to be names"),
        ("road", None, "Expected `classes` to be a list"),
    ],
)
def test_what_does_not_fit_is_said(classes, rename, words):
    with pytest.raises(MMFanError) as error:
        ClassFit(WANTED, classes, rename)
    assert words in str(error.value)


def test_channels():
    with pytest.raises(MMFanError, match=r"scores of 3 classes, got 4 channels\. Name the model's own by `classes`"):
        ClassFit(WANTED).check_channels(4)
    with pytest.raises(MMFanError, match=r"scores of 4 classes, got 3 channels\.$"):
        ClassFit(WANTED, [*WANTED, "sky"]).check_channels(3)
    with pytest.raises(MMFanError, match=r"\(p > 0.5\)"):
        ClassFit(WANTED).check_channels(1)
