import numpy as np
import pytest

from mmfan.datasets.cityscapes_labels import LABELS
from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.render.canvas import Canvas
from mmfan.datasets.miniature.scene import label_pictures
from mmfan.datasets.miniature.street.street import draw_ground, sample_street


@pytest.mark.parametrize("seed", range(30))
def test_a_plan_is_in_order_from_left_to_right(seed):
    street = sample_street(np.random.default_rng(seed))
    inner_left, inner_right = street.left + street.parking[0], street.right - street.parking[1]
    assert street.walk[0] < street.kerb(-1) <= street.left < inner_left + 0.01
    assert inner_left < -street.lane < 0 < inner_right <= street.right < street.walk[1]
    if street.rails:
        assert street.rails[1] == street.left
        assert street.kerb(-1) == street.rails[0]
    if street.crossing:
        assert 0 < street.crossing[0] < street.crossing[1] < street.end


@pytest.mark.parametrize("scale", [1, 12])  # large pictures have corners very far outside
@pytest.mark.parametrize("seed", range(6))
def test_the_ground_fills_everything_below_the_horizon(seed, scale):
    rng = np.random.default_rng(seed)
    size = (160 * scale, 96 * scale)
    canvas = Canvas(Camera(size, focal=140.0 * scale, horizon=40.0 * scale, height=1.6, yaw=0.1))
    street = sample_street(rng)
    draw_ground(canvas, rng, street)
    labels = label_pictures(canvas, None).label_ids[::scale, ::scale]
    sky = LABELS["sky"].id
    assert (labels[:39] == sky).all()
    assert not (labels[43:] == sky).any()
    assert (labels[60:, 78:82] == LABELS["road"].id).all()  # the camera's own lane
    assert LABELS["sidewalk"].id in labels
