import numpy as np
import pytest

from mmfan.datasets.cityscapes_labels import LABELS
from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.render.canvas import OVERSAMPLE, Canvas
from mmfan.datasets.miniature.render.light import label_index
from mmfan.datasets.miniature.render.shapes import rectangle
from mmfan.datasets.miniature.scene import label_pictures


@pytest.fixture
def canvas():
    return Canvas(Camera(size=(80, 64), focal=80.0, horizon=30.0, height=1.5))


def labels_of(canvas):
    return label_pictures(canvas, np.zeros((64, 80, 3), np.uint8))


def test_a_rectangle_covers_exactly_its_pixels(canvas):
    surface = canvas.surface("wall", (0, 0, -1), (0, 0, 10))
    canvas.fill(surface, rectangle(10, 20, 30, 25), (200, 100, 50))
    scene = labels_of(canvas)
    expected = np.full((64, 80), LABELS["sky"].id)
    expected[20:25, 10:30] = LABELS["wall"].id
    # OpenCV counts the far edge in: up to one painted row, half an output pixel, more.
    assert np.array_equal(scene.label_ids[20:25, 10:30], expected[20:25, 10:30])
    assert (scene.label_ids != expected).sum() <= 5 + 20
    assert tuple(canvas.colour[OVERSAMPLE * 22, OVERSAMPLE * 20]) == (200, 100, 50)


def test_objects_are_numbered_class_by_class_and_hidden_ones_get_none(canvas):
    hidden = canvas.surface("car", (0, 0, -1), (0, 0, 30), canvas.new_object())
    canvas.fill(hidden, rectangle(10, 10, 20, 20), (0, 0, 0))
    for left, label in ((5, "car"), (40, "car"), (60, "person")):
        surface = canvas.surface(label, (0, 0, 0), (0, 0, 9), canvas.new_object())
        canvas.fill(surface, rectangle(left, 5, left + 18, 25), (9, 9, 9))
    pole = canvas.surface("pole", (0, 0, 0), (0, 0, 5), canvas.new_object())
    canvas.fill(pole, rectangle(30, 0, 32, 60), (9, 9, 9))
    scene = labels_of(canvas)
    assert sorted(np.unique(scene.instance_ids)) == [17, 23, 24000, 26000, 26001]
    assert scene.instance_ids.dtype == np.uint16


def test_one_object_of_several_surfaces_has_one_number(canvas):
    number = canvas.new_object()
    for left in (10, 30):
        canvas.fill(canvas.surface("bus", (0, 0, -1), (0, 0, 9), number), rectangle(left, 5, left + 9, 25), (9, 9, 9))
    assert set(np.unique(labels_of(canvas).instance_ids)) == {23, 28000}


def test_tint_leaves_the_label_and_claim_leaves_the_colour(canvas):
    surface = canvas.surface("fence", (0, 0, -1), (0, 0, 10))
    canvas.claim(surface, rectangle(10, 10, 20, 20))
    canvas.tint(rectangle(40, 10, 50, 20)[None], (7, 8, 9))
    assert labels_of(canvas).label_ids[15, 15] == LABELS["fence"].id
    assert tuple(canvas.colour[30, 30]) == (0, 0, 0)
    assert labels_of(canvas).label_ids[15, 45] == LABELS["sky"].id
    assert tuple(canvas.colour[30, 90]) == (7, 8, 9)


def test_a_face_behind_the_camera_paints_nothing(canvas):
    surface = canvas.surface("road", (0, 1, 0), (0, 0, 0))
    canvas.face(surface, np.array([(-1, 0, -5), (1, 0, -5), (1, 0, -1), (-1, 0, -1)]), (9, 9, 9))
    assert not label_index(canvas).any()
    canvas.face(surface, np.array([(-1, 0, -5), (1, 0, -5), (1, 0, 50), (-1, 0, 50)]), (9, 9, 9))
    assert label_index(canvas)[60, 40] == surface


def test_a_stamp_partly_outside_paints_what_is_inside(canvas):
    surface = canvas.surface("vegetation", (0, 0, 0), (0, 0, 9), grain="leaf")
    cover, tone = np.full((8, 8), 255, np.uint8), np.full((8, 8), 3, np.uint8)
    ramp = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    canvas.stamp(surface, (-10, -10, 10, 10), cover, tone, ramp)
    canvas.stamp(surface, (500, 500, 600, 600), cover, tone, ramp)
    index = label_index(canvas)
    assert (index[:9, :9] == surface).all()
    assert not index[11:, 11:].any()
    assert (canvas.colour[:18, :18] == 3).all()


def test_unknown_names_are_errors(canvas):
    with pytest.raises(KeyError, match="elephant"):
        canvas.surface("elephant", (0, 1, 0), (0, 0, 0))
    with pytest.raises(KeyError, match="velvet"):
        canvas.surface("road", (0, 1, 0), (0, 0, 0), grain="velvet")
