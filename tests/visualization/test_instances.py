import numpy as np
import pytest

from mmfan.visualization import draw_instances

CLASSES, PALETTE = ("tree", "Straße"), [(255, 0, 0), (0, 0, 200)]
PICTURE = np.full((100, 150, 3), 90, np.uint8)
BOXES = np.array([[20, 40, 80, 90], [100, 30, 140, 95]], np.float32)
LABELS = np.array([0, 1])


def test_boxes_masks_and_names():
    masks = np.zeros((2, 100, 150), bool)
    masks[0, 50:80, 30:70] = True
    before = PICTURE.copy()
    painted = draw_instances(PICTURE, BOXES, LABELS, CLASSES, PALETTE, masks=masks, scores=np.array([0.9, 0.5]))
    assert np.array_equal(PICTURE, before)
    assert painted.shape == PICTURE.shape
    assert tuple(painted[65, 50]) == (172, 45, 45)  # half of red on 90, to even
    assert tuple(painted[60, 20]) == (255, 0, 0)  # the box's left side
    assert tuple(painted[60, 140]) == (0, 0, 200)
    assert tuple(painted[50, 50]) == (127, 0, 0)  # outline of the mask
    assert tuple(painted[5, 5]) == (90, 90, 90)
    plate = painted[25:40, 20:60]  # the name above the box
    assert (plate == (255, 0, 0)).all(axis=2).mean() > 0.3
    assert (plate == (255, 255, 255)).all(axis=2).any()


def test_the_surest_is_drawn_last():
    boxes = np.tile(BOXES[:1], (2, 1))
    for scores, expected in (([0.9, 0.5], (255, 0, 0)), ([0.5, 0.9], (0, 0, 200))):
        painted = draw_instances(PICTURE, boxes, LABELS, CLASSES, PALETTE, scores=np.array(scores))
        assert tuple(painted[60, 20]) == expected


def test_names_stay_within_the_picture():
    edge = np.array([[-5, -5, 10, 10], [145, 96, 160, 120]], np.float32)
    painted = draw_instances(PICTURE, edge, LABELS, CLASSES, PALETTE)
    assert (painted[:14, :30] == (255, 0, 0)).all(axis=2).sum() > 40
    assert (painted[70:, 100:] == (0, 0, 200)).all(axis=2).sum() > 40


def test_enlarged():
    masks = np.zeros((2, 100, 150), bool)
    masks[1, 40:80, 105:135] = True
    painted = draw_instances(PICTURE, BOXES, LABELS, CLASSES, PALETTE, masks=masks, opacity=1, scale=2)
    assert painted.shape == (200, 300, 3)
    assert tuple(painted[120, 240]) == (0, 0, 200)
    assert tuple(painted[120, 280]) == (0, 0, 200)  # right side of its box


def test_nothing_found():
    empty = np.zeros((0, 4), np.float32)
    painted = draw_instances(PICTURE, empty, np.zeros(0, int), CLASSES, PALETTE, masks=np.zeros((0, 100, 150), bool))
    assert np.array_equal(painted, PICTURE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": BOXES[:1]}, r"boxes of shape \(2, 4\) for 2 labels, got \(1, 4\)"),
        ({"masks": np.zeros((2, 9, 9), bool)}, r"masks of shape \(2, 100, 150\)"),
        ({"labels": np.array([0, 2])}, "labels below 2.*got 0 to 2"),
        ({"opacity": 1.5}, "opacity from 0 to 1, got 1.5"),
        ({"scale": 0}, "scale to be 1 or more, got 0"),
        ({"picture": PICTURE[..., 0]}, r"picture as \(H, W, 3\) uint8"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"picture": PICTURE, "boxes": BOXES, "labels": LABELS, "classes": CLASSES, "palette": PALETTE, **change}
    with pytest.raises(ValueError, match=message):
        draw_instances(**arguments)
