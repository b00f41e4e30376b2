import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfan.datasets.miniature.render.camera import NEAR, Camera, clip_near


def straight(**changes):
    settings = {"size": (200, 100), "focal": 100.0, "horizon": 40.0, "height": 1.5}
    return Camera(**(settings | changes))


def test_hand_worked_projection():
    camera = straight()
    # 10 m ahead, 2 m to the right, on the ground: 100 * 2 / 10 right of the middle, 100 * 1.5 / 10 below the horizon.
    assert np.allclose(camera.to_picture(camera.to_view(np.array([2.0, 0.0, 10.0]))), (120.0, 55.0))
    # At the camera's height everything lies on the horizon.
    assert np.allclose(camera.to_picture(camera.to_view(np.array([-3.0, 1.5, 30.0]))), (90.0, 40.0))


def test_yaw_moves_the_vanishing_point_to_the_left():
    camera = straight(yaw=np.arctan(0.1))
    far = camera.to_picture(camera.to_view(np.array([0.0, 1.5, 1e7])))
    assert np.allclose(far, (100.0 - 100.0 * 0.1, 40.0), atol=1e-3)


angles = st.floats(-0.2, 0.2)
places = st.tuples(st.floats(-8, 8), st.floats(0, 6), st.floats(4, 60))


@given(angles, angles, places, st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda n: np.linalg.norm(n) > 0.1))
@pytest.mark.slow
def test_inverse_depth_gives_the_depth_of_points_on_the_plane(yaw, roll, point, normal):
    camera = straight(yaw=yaw, roll=roll)
    view = camera.to_view(np.array(point))
    if view[2] < 1 or abs(np.dot(normal, np.array(point) - camera.position)) < 0.05:
        return
    u, v = camera.to_picture(view)
    a, b, c = camera.inverse_depth(np.array([normal]), np.array([point]))[0]
    assert np.isclose(a * u + b * v + c, 1 / view[2], rtol=1e-6, atol=1e-9)


def test_rays_undo_the_projection():
    camera = straight(yaw=0.1, roll=-0.02)
    rays = camera.rays()
    assert rays.shape == (3, 100, 200)
    place = camera.position + 7.0 * rays[:, 61, 33]
    assert np.allclose(camera.to_picture(camera.to_view(place)), (33.5, 61.5), atol=1e-3)
    assert np.isclose(camera.to_view(place)[2], 7.0, atol=1e-5)


def test_clip_near_cuts_where_the_edge_crosses():
    square = np.array([(0.0, 0.0, -NEAR), (1.0, 0.0, -NEAR), (1.0, 0.0, 3 * NEAR), (0.0, 0.0, 3 * NEAR)])
    cut = clip_near(square)
    assert len(cut) == 4
    assert cut[:, 2].min() == NEAR
    assert clip_near(square - np.array((0, 0, 10))).shape == (0, 3)
    assert clip_near(square + np.array((0, 0, 10))).shape == (4, 3)
