import numpy as np
import pytest

from mmfan.datasets.cityscapes_labels import LABELS
from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.scene import label_pictures
from mmfan.datasets.miniature.things.cycles import draw_cycle
from mmfan.datasets.miniature.things.people import draw_person

SUN = np.array([0.3, 0.8, 0.5])


@pytest.fixture
def canvas():
    return Canvas(Camera(size=(256, 128), focal=230.0, horizon=40.0, height=1.5))


def heights(canvas, name):
    rows = np.nonzero(label_pictures(canvas, None).label_ids == LABELS[name].id)[0]
    return (rows.min(), rows.max() + 1) if len(rows) else None


@pytest.mark.parametrize("kind", ["bicycle", "motorcycle"])
@pytest.mark.parametrize("sideways", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_a_rider_sits_on_the_machine(canvas, kind, sideways, seed):
    draw_cycle(canvas, np.random.default_rng(seed), kind, 0.0, 8.0, SUN, True, sideways)
    rider, machine = heights(canvas, "rider"), heights(canvas, kind)
    ground = 40 + 230 * 1.5 / 8
    assert machine[1] == pytest.approx(ground, abs=2)
    assert rider[0] < machine[0] < rider[1] <= machine[1]
    assert 1.4 < (ground - rider[0]) / 230 * 8 < 2.1  # metres
    assert sorted(np.unique(label_pictures(canvas, None).instance_ids))[1:] == sorted(
        [LABELS["rider"].id * 1000, LABELS[kind].id * 1000]
    )


def test_a_parked_one_has_no_rider(canvas):
    draw_cycle(canvas, np.random.default_rng(0), "bicycle", 0.0, 8.0, SUN, False, True)
    assert heights(canvas, "rider") is None
    assert heights(canvas, "bicycle") is not None


@pytest.mark.parametrize("seed", range(12))
def test_people_stand_on_the_ground_and_are_as_tall_as_people(canvas, seed):
    draw_person(canvas, np.random.default_rng(seed), 1.0, 10.0, SUN)
    top, bottom = heights(canvas, "person")
    assert bottom == pytest.approx(40 + 230 * 1.5 / 10, abs=3)
    assert 0.95 < (bottom - top) / 230 * 10 < 2.1


def test_nothing_is_drawn_right_at_the_camera(canvas):
    draw_person(canvas, np.random.default_rng(0), 0.0, 1.0, SUN)
    draw_cycle(canvas, np.random.default_rng(0), "bicycle", 0.0, 1.0, SUN, True, True)
    assert set(np.unique(label_pictures(canvas, None).label_ids)) == {LABELS["sky"].id}
