"""What models return: what is taken, and what is refused with which words."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmfan.evaluation.function.scoring.predictions import PredictionError, read_labels, read_objects

SIZE, CLASSES = (2, 3), ["a", "b"]


def labels(output, ignore=255):
    return read_labels(output, SIZE, CLASSES, ignore)


def test_label_maps_and_scores():
    wanted = [[0, 1, 1], [1, 0, 0]]
    assert labels(np.array(wanted, np.uint8)).tolist() == wanted
    assert labels(wanted).tolist() == wanted
    assert labels(np.array(wanted, bool)).tolist() == wanted
    scores = np.stack([1 - np.array(wanted), np.array(wanted)]).astype(np.float16)
    assert labels(scores).tolist() == wanted
    scores[0][scores[0] == 0] = -np.inf  # ruled out
    assert labels(scores).tolist() == wanted
    assert labels([[0, 255, 1], [1, 1, 255]]).tolist() == [[0, 255, 1], [1, 1, 255]]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (None, "got None"),
        ("mask", "got <U4"),
        (np.zeros(SIZE), r"got float64 \(2, 3\)\. Class numbers are integers"),
        (np.zeros((1, 2, 2, 3)), r"got float64 \(1, 2, 2, 3\)\. Leave the axis of the batch out"),
        (np.zeros((1, 2, 3), int), r"got int64 \(1, 2, 3\)"),
        (np.zeros((3, 2), int), "2 rows x 3 columns, got 3 x 2: .* Rows come first"),
        (np.zeros((4, 6), int), "2 rows x 3 columns, got 4 x 6: bring it back"),
        (np.zeros((2, 4, 6)), "2 rows x 3 columns, got 4 x 6"),
        (np.zeros((3, 2, 3)), r"scores of the 2 classes .*got the shape \(3, 2, 3\)"),
        (np.full((2, 2, 3), np.nan), "not finite"),
        (np.full((2, 2, 3), np.inf), "not finite"),
        ([[0, 1, 2], [0, 0, 255]], r"class numbers from 0 to 1 \(or 255 .*got 0 to 2"),
        ([[0, 1, -1], [0, 0, 0]], "got -1 to 1"),
        (object(), "which is no array"),
        ([[0, 1], [1]], "no array"),
        (SimpleNamespace(__array__=3), "no array"),
    ],
)
def test_label_maps_that_are_refused(output, message):
    with pytest.raises(PredictionError, match=message):
        labels(output)


class OnADevice:
    """As a tensor of torch that is in a graph, or in the memory of a graphics card."""

    def __array__(self, *_, **__):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


def test_tensors_say_themselves_what_to_do():
    with pytest.raises(PredictionError, match=r"the prediction is no array: .*tensor\.detach\(\)\.numpy\(\)"):
        labels(OnADevice())


BOXES, SCORES, LABELS = [[0, 0, 2, 2], [1, 0, 3, 1]], [0.5, 1.0], [1, 0]


def objects(with_masks=False, **parts):
    return read_objects(parts, SIZE, CLASSES, with_masks)


@pytest.mark.parametrize("name", ["xyxy", "boxes"])
@pytest.mark.parametrize("kind", [dict, SimpleNamespace])
def test_objects(name, kind):
    found = read_objects(
        kind(**{name: BOXES}, scores=np.array(SCORES, np.float32), labels=LABELS), SIZE, CLASSES, False
    )
    assert found.boxes.tolist() == BOXES
    assert found.scores.dtype == np.float32
    assert found.labels.tolist() == LABELS
    assert found.masks is None


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 1, 2, 3)])
def test_masks(shape):
    found = objects(True, boxes=BOXES, scores=SCORES, labels=LABELS, masks=np.ones(shape, np.uint8))
    assert found.masks.shape == (2, 2, 3)
    assert found.masks.dtype == bool


def test_nothing_is_found():
    found = objects(True, boxes=[], scores=[], labels=[], masks=[])
    assert found.boxes.shape == (0, 4)
    assert found.masks.shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": None}, r"no `xyxy` and no `boxes` in \['boxes', 'labels', 'scores'\]"),
        ({"scores": None}, "no `scores`"),
        ({"boxes": [[0, 0, 2]] * 2}, r"got \(2, 3\), \(2,\) and \(2,\)"),
        ({"scores": [0.5]}, r"got \(2, 4\), \(1,\)"),
        ({"labels": [0.0, 1.0]}, "class numbers, integers, got float64"),
        ({"labels": [0, 2]}, r"labels from 0 to 1, .*not the numbers of COCO's categories\), got 0 to 2"),
        ({"scores": [0.5, 1.5]}, "scores from 0 to 1, got 0.5 to 1.5"),
        ({"scores": [0.5, np.nan]}, "scores hold values that are no finite numbers"),
        ({"boxes": [[0, 0, np.inf, 2]] * 2}, "boxes hold values"),
        ({"boxes": [[2, 0, 1, 2]] * 2}, "the right lies left of the left"),
    ],
)
def test_objects_that_are_refused(change, message):
    with pytest.raises(PredictionError, match=message):
        objects(**{"boxes": BOXES, "scores": SCORES, "labels": LABELS, **change})


def test_masks_that_are_refused():
    given = {"boxes": BOXES, "scores": SCORES, "labels": LABELS}
    with pytest.raises(PredictionError, match=r"masks \(N, H, W\) of 2 objects .*\(2, 3\).*got uint8 \(2, 3, 3\)"):
        objects(True, **given, masks=np.ones((2, 3, 3), np.uint8))
    with pytest.raises(PredictionError, match="no `masks`"):
        objects(True, **given)


def test_something_else_than_objects():
    with pytest.raises(PredictionError, match="no `xyxy` and no `boxes` in NoneType"):
        read_objects(None, SIZE, CLASSES, False)
