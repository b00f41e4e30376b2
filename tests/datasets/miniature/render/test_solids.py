import numpy as np
import pytest

from mmfan.datasets.cityscapes_labels import LABELS
from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.light import label_index
from mmfan.datasets.miniature.render.solids import Face, Place, box, draw_solid, ground_shadow
from mmfan.datasets.miniature.scene import label_pictures

SUN = np.array([0.0, 0.8, 0.6])


@pytest.fixture
def canvas():
    return Canvas(Camera(size=(200, 100), focal=100.0, horizon=40.0, height=1.5))


def outward(face, middle):
    corners = np.asarray(face.corners, float)
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[1])
    return normal @ (corners.mean(axis=0) - middle) > 0


def test_the_faces_of_a_box_wind_outwards():
    faces = box((-2, 3), (0.5, 1.5), (-1, 2), (9, 9, 9))
    assert len(faces) == 5
    assert all(outward(face, np.array((0.5, 1.0, 0.5))) for face in faces)


@pytest.mark.parametrize(
    ("heading", "front"), [(0.0, (3.0, 0.0, 24.0)), (np.pi, (3.0, 0.0, 16.0)), (np.pi / 2, (7.0, 0.0, 20.0))]
)
def test_headings(heading, front):
    assert np.allclose(Place(3.0, 20.0, heading).to_world(np.array((4.0, 0.0, 0.0))), front)


def test_a_box_ahead_has_the_worked_out_outline(canvas):
    # Rear at Z = 10: 2 m wide and from 0.5 to 1.5 m high, so 20 pixels wide and 10 high, up to the horizon.
    assert draw_solid(canvas, "car", box((-2, 2), (0.5, 1.5), (-1, 1), (9, 9, 9)), Place(0.0, 12.0), 1)
    rows, columns = np.nonzero(label_pictures(canvas, None).label_ids == LABELS["car"].id)
    assert (columns.min(), columns.max() + 1) == pytest.approx((90, 110), abs=1)
    assert (rows.min(), rows.max() + 1) == pytest.approx((40, 50), abs=1)


def test_only_faces_turned_to_the_camera_are_painted(canvas):
    before = len(canvas.surfaces().label)
    draw_solid(canvas, "car", box((-2, 2), (0, 1.0), (-1, 1), (9, 9, 9)), Place(5.0, 12.0), 1)
    # Rear, left side and (below the camera) top; neither the front nor the right side.
    assert len(canvas.surfaces().label) - before == 3


def test_what_reaches_behind_the_camera_is_left_out(canvas):
    assert not draw_solid(canvas, "car", box((-2, 2), (0, 1), (-1, 1), (9, 9, 9)), Place(0.0, 1.0), 1)
    assert not label_index(canvas).any()


def test_both_sides_of_a_sheet_may_show(canvas):
    sheet = [(0, 0, 1), (0, 0, -1), (0, 1, -1), (0, 1, 1)]  # winds forward, away from the camera
    draw_solid(canvas, "bus", [Face(sheet, (9, 9, 9))], Place(0.0, 10.0), 1)
    assert not label_index(canvas).any()
    draw_solid(canvas, "bus", [Face(sheet, (9, 9, 9), both=True)], Place(0.0, 10.0), 1)
    assert label_index(canvas).any()


def test_shadows_fall_away_from_the_sun(canvas):
    # The sun is ahead, so the shadow comes towards the camera.
    ground_shadow(canvas, SUN, Place(0.0, 12.0), (-1, 1), (-1, 1), 2.0)
    rows = np.nonzero(canvas.cast)[0]
    # The top of the near edge falls on Z = 11 - 2 * 0.6 / 0.8 = 9.5, 100 * 1.5 / 9.5 below the horizon.
    assert rows.max() == pytest.approx(40 + 150 / 9.5, abs=1)
    assert canvas.contact.max() == 255
