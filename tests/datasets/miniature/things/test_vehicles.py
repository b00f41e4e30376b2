import numpy as np
import pytest

from mmfan.datasets.cityscapes_labels import LABELS
from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.render.solids import Place
from mmfan.datasets.miniature.scene import label_pictures
from mmfan.datasets.miniature.things.tram import draw_tram, tram_faces
from mmfan.datasets.miniature.things.vehicles import PAINTERS, draw_vehicle

SUN = np.array([0.3, 0.8, 0.5])
MAKERS = {**PAINTERS, "train": tram_faces}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("seed", range(4))
def test_faces_wind_outwards_and_fill_the_stated_size(kind, seed):
    faces, (length, width, height) = MAKERS[kind](np.random.default_rng(seed), 0.5)
    points = np.concatenate([np.asarray(face.corners, float) for face in faces])
    assert np.ptp(points[:, 0]) == pytest.approx(length, abs=0.1)
    assert np.ptp(points[:, 2]) == pytest.approx(width, abs=0.1)
    assert points[:, 1].max() == pytest.approx(height, abs=0.3)
    for face in faces:
        corners = np.asarray(face.corners, float)
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[1])
        sideways = np.abs(normal).argmax() == 2
        if sideways:  # the sides of all parts lie symmetric to the middle
            assert normal[2] * corners[:, 2].mean() > 0
        if np.abs(normal).argmax() == 1:
            assert normal[1] > 0


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("heading", [0.0, np.pi, np.pi / 2])
def test_a_vehicle_is_one_object_of_its_class(kind, heading):
    canvas = Canvas(Camera(size=(256, 128), focal=230.0, horizon=55.0, height=1.5))
    faces, size = MAKERS[kind](np.random.default_rng(2), 0.0)
    place = Place(-3.0, 24.0, heading)
    if kind == "train":
        assert draw_tram(canvas, faces, size, place, SUN)
    else:
        assert draw_vehicle(canvas, kind, faces, size, place, SUN)
    scene = label_pictures(canvas, None)
    label = LABELS[kind].id
    assert set(np.unique(scene.instance_ids)) == {LABELS["sky"].id, label * 1000}
    rows = np.nonzero(scene.label_ids == label)[0]
    # Wheels stand on the ground, which at 24 m (give or take half a vehicle) lies this far below the horizon.
    assert rows.max() == pytest.approx(55 + 230 * 1.5 / 21, abs=12)
    assert (scene.label_ids == label).sum() > 100
