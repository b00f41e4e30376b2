"""Preprocessing of pictures: numbers by hand."""

import numpy as np
import pytest

from mmfan.adapters import Preprocessing
from mmfan.errors import MMFanError

PIXEL = np.array([[[255, 51, 0]]], np.uint8)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [1, 0.2, 0]),
        ({"white": 255}, [255, 51, 0]),
        ({"mean": (0.5, 0.2, 0.25), "std": (0.5, 1, 0.5)}, [1, 0, -0.5]),
        ({"mean": (5, 1, 2), "std": (10, 5, 2), "white": 255}, [25, 10, -1]),
        ({"mean": (5, 1, 2), "white": 255, "bgr": True}, [-2, 50, 250]),
    ],
)
def test_values(settings, expected):
    array = Preprocessing(**settings).array(PIXEL)
    assert array.dtype == np.float32
    assert array[0, 0].tolist() == pytest.approx(expected, abs=1e-6)


def test_size_then_padding():
    rgb = np.full((4, 6, 3), 255, np.uint8)
    array = Preprocessing(size=(5, 9), divisor=4, mean=(0.5, 0.5, 0.5)).array(rgb)
    assert array.shape == (8, 12, 3)
    assert (array[:5, :9] == 0.5).all()
    assert (array[5:] == 0).all()
    assert (array[:, 9:] == 0).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mean": (123.675, 116.28, 103.53)}, "is of pixels from 0 to 255: give white=255"),
        ({"mean": (0.5,)}, "three numbers"),
        ({"std": (1, 0, 1)}, "above 0"),
        ({"white": 2}, "`white` to be 1 or 255"),
        ({"size": 512}, "`size` as height and width"),
        ({"size": (0, 3)}, "`size`"),
        ({"divisor": 0}, "`divisor`"),
    ],
)
def test_what_is_refused(settings, words):
    with pytest.raises(MMFanError, match=words):
        Preprocessing(**settings)
