from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmfan.datasets.miniature.render.camera import Camera
from mmfan.datasets.miniature.street.cast import Cast, paint_order


def test_far_things_come_first():
    assert paint_order([(-1, 1, 5, 6), (-1, 1, 20, 21), (-1, 1, 10, 12)]) == [1, 2, 0]
    assert paint_order([]) == []


def test_of_two_side_by_side_the_outer_one_comes_first():
    # A long tram on the left starts nearer than the car to its right, which stands in front of it all the same.
    tram, car = (-8.0, -5.5, 6.0, 22.0), (-4.0, -2.2, 9.0, 13.0)
    assert paint_order([car, tram]) == [1, 0]
    assert paint_order([tram, car]) == [0, 1]
    mirrored = [(2.2, 4.0, 9.0, 13.0), (5.5, 8.0, 6.0, 22.0)]
    assert paint_order(mirrored) == [1, 0]


boxes = st.lists(
    st.tuples(st.floats(-10, 10), st.floats(0.2, 3), st.floats(2, 60), st.floats(0.2, 15)).map(
        lambda b: (b[0], b[0] + b[1], b[2], b[2] + b[3])
    ),
    max_size=12,
)


@given(boxes)
def test_everything_is_painted_once(drawn):
    assert sorted(paint_order(drawn)) == list(range(len(drawn)))


def make_cast():
    camera = Camera(size=(200, 100), focal=100.0, horizon=40.0, height=1.5)
    return Cast(SimpleNamespace(camera=camera), np.random.default_rng(0), None, None, 0.0)


def test_free_and_seen():
    cast = make_cast()
    cast.taken.append((-1.0, 1.0, 10.0, 14.0))
    assert not cast.is_free((0.5, 2.0, 12.0, 13.0))
    assert not cast.is_free((1.2, 2.0, 12.0, 13.0))  # closer than the gap
    assert cast.is_free((1.5, 2.0, 12.0, 13.0))
    assert not cast.is_seen((-0.5, 0.5, 20.0, 21.0))  # behind it
    assert cast.is_seen((-0.5, 0.5, 5.0, 6.0))  # before it
    assert cast.is_seen((4.0, 5.0, 20.0, 21.0))
    assert not cast.is_seen((30.0, 31.0, 20.0, 21.0))  # outside the picture, whose right edge is at X / Z = 1
